"""`doctor`: how far a call would come, without telling a secret."""

import tomllib
from pathlib import Path

import pytest

from portrait.cli.doctor.machine import EXTRAS


def states(ran):
    """Check → state."""
    return {row["check"]: row["state"] for row in ran.json}


def test_all_is_well(portrait):
    """Exit code 0."""
    ran = portrait("doctor")
    assert ran.code == 0
    assert set(states(ran).values()) <= {"ok", "note"}
    assert {"provider", "base URL", "key", "network", "key accepted", "version"} <= set(states(ran))


def test_the_key_is_not_shown(portrait, emulator):
    """Not even its end."""
    for form in (portrait("doctor"), portrait("doctor", terminal=True)):
        assert emulator.api_key not in form.out + form.err
        assert emulator.api_key[-4:] not in form.out + form.err


def test_a_missing_pair_is_named_by_its_variables(portrait):
    """The command has no option for keys."""
    ran = portrait("doctor", PORTRAIT_PROVIDER="volcengine", PORTRAIT_ACCESS_KEY="AK")
    assert ran.code == 2
    assert "Set PORTRAIT_ACCESS_KEY and PORTRAIT_SECRET_KEY." in ran.err
    assert "from_env" not in ran.err


@pytest.mark.parametrize(
    ("environ", "check", "code"),
    [
        ({"PORTRAIT_API_KEY": ""}, "configuration", 2),
        ({"PORTRAIT_PROVIDER": "nobody"}, "configuration", 2),
        ({"PORTRAIT_BASE_URL": "ftp://x"}, "configuration", 2),
        ({"PORTRAIT_BASE_URL": "http://example.com/v1"}, "configuration", 2),
        ({"PORTRAIT_BASE_URL": "http://127.0.0.1:1/v1"}, "network", 4),
    ],
)
def test_the_first_fault_is_the_exit_code(portrait, environ, check, code):
    """And what comes after it is skipped."""
    ran = portrait("doctor", **environ)
    assert ran.code == code
    assert states(ran)[check] == "fault"
    assert states(ran)["key accepted"] == "skipped"
    assert "  → " in ran.err


def test_a_key_that_is_refused_is_told_apart_from_a_network_fault(portrait, emulator):
    """Exit code 3."""
    emulator.rules.add(match={"action": "ListAssetGroups"}, do={"error": "KeyUnknown"})
    ran = portrait("doctor")
    assert ran.code == 3
    assert states(ran)["network"] == "ok"
    assert states(ran)["key accepted"] == "fault"


@pytest.mark.parametrize(
    ("path", "advice"),
    [("", "--base-url ends in /v1, as in https://api.alltoken.ai/v1."), ("/v2/v1", "Check --base-url: it is usually")],
)
def test_an_address_that_is_not_the_apis_is_a_fault_of_the_address(portrait, emulator, path, advice):
    """Exit code 4; nothing is said of the key, which nobody has looked at."""
    address = emulator.base_url.removesuffix("/v1") + path
    ran = portrait("doctor", PORTRAIT_BASE_URL=address)
    assert ran.code == 4
    assert states(ran)["network"] == "ok"
    assert states(ran)["portrait API"] == "fault"
    assert states(ran)["key accepted"] == "skipped"
    assert f"{address} answers, but not as the portrait API" in ran.err
    assert advice in ran.err


@pytest.mark.parametrize(
    ("reason", "key", "fault", "code"),
    [
        ("KeyUnknown", "fault", "key accepted", 3),
        ("SubscriptionRequired", "ok", "account", 3),
        ("Throttled", "skipped", "call", 3),
        ("Internal", "skipped", "call", 4),
    ],
)
def test_a_key_is_accepted_only_if_the_service_said_so(portrait, emulator, *, reason, key, fault, code):
    """Many refusals come before anybody looks at it."""
    emulator.rules.add(match={"action": "ListAssetGroups"}, do={"error": reason})
    ran = portrait("doctor")
    assert ran.code == code
    assert states(ran)["key accepted"] == key
    assert states(ran)[fault] == "fault"


@pytest.mark.parametrize("fault", [{"delay": 0, "close": "before"}, {"http": {"status": 502, "body": "html"}}])
def test_doctor_does_not_send_people_to_itself(portrait, emulator, fault):
    """They are there already; other commands do."""
    emulator.rules.add(match={"action": "ListAssetGroups"}, do=fault)
    assert "portrait doctor" not in portrait("doctor").err
    assert "portrait doctor" not in portrait("doctor", PORTRAIT_BASE_URL="http://127.0.0.1:1/v1").err
    assert "portrait doctor" in portrait("groups", PORTRAIT_BASE_URL="http://127.0.0.1:1/v1").err


def test_doctor_asks_once(portrait, emulator):
    """A look is one harmless call, and no retries."""
    emulator.rules.add(match={"action": "ListAssetGroups"}, do={"error": "Throttled"})
    portrait("doctor")
    assert emulator.calls.count("ListAssetGroups") == 1


def test_quiet_says_it_by_the_exit_code(portrait):
    """Nothing on stdout."""
    assert portrait("doctor", "--quiet").out == ""


def test_every_extra_is_looked_for(portrait):
    """As pyproject.toml has them, `all` aside."""
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())
    assert set(EXTRAS) == set(project["project"]["optional-dependencies"]) - {"all"}
    assert {f"extra {extra}" for extra in EXTRAS} <= set(states(portrait("doctor")))


def test_the_state_is_looked_at(portrait, tmp_path):
    """Where it is and what it holds; one that cannot be written is a fault, a damaged one was set aside."""
    findings = {row["check"]: row for row in portrait("doctor").json}
    assert findings["state"]["state"] == "ok"
    assert findings["state"]["what"].startswith(portrait.environ["XDG_STATE_HOME"])
    assert findings["state"]["what"].endswith("creates: 0")
    broken = portrait("doctor", "--state", str(tmp_path))
    assert broken.code == 2
    assert "is a folder" in broken.err
    (tmp_path / "state.db").write_bytes(b"SQLite format 3\0 and no more")
    rows = portrait("doctor", PORTRAIT_STATE=str(tmp_path / "state.db")).json
    assert [row["state"] for row in rows if row["check"] == "state"] == ["ok", "note"]
    assert any("damaged" in row["what"] for row in rows)


def storage(stub, *more):
    """The words that name the stub's bucket."""
    return ("--to", "s3://portraits/faces", "--endpoint-url", stub.url, *more)


@pytest.mark.parametrize("public", [True, False])
def test_a_storage_is_tried_from_the_first_byte_to_the_last(portrait, emulator, stub, public):
    """An object is stored, fetched, listed and deleted, and nothing of it is left; each time anew."""
    for _ in range(2):
        emulator.clock.advance(1)
        ran = portrait("doctor", *storage(stub, *(["--public-base", stub.public_base] if public else [])))
        assert ran.code == 0, ran.err
        assert {check: state for check, state in states(ran).items() if check.startswith("storage")} == dict.fromkeys(
            ("storage", "storage public", "storage list", "storage uploads", "storage delete"), "ok"
        )
        assert stub.bucket.objects == {}
    assert stub.count("PutObject") == 2
    assert ("a presigned address" in ran.out) is not public


def test_a_right_that_put_can_do_without_is_a_note(portrait, stub):
    """A key that may store alone is enough to onboard; what `forget` lacks is said, and which object stays."""
    stub.can_list = False
    stub.fault("DeleteObject", "status-before", status=403, code="AccessDenied")
    ran = portrait("doctor", *storage(stub))
    assert ran.code == 0
    notes = {row["check"]: row["what"] for row in ran.json if row["state"] == "note"}
    assert set(notes) >= {"storage list", "storage uploads", "storage delete"}
    assert next(iter(stub.bucket.objects)) in notes["storage delete"]
    assert "as `forget` does" in notes["storage delete"]


@pytest.mark.parametrize(
    ("words", "environ", "says", "code"),
    [
        (["--to", "s3://nowhere"], {}, "NoSuchBucket", 3),
        ([], {"AWS_SECRET_ACCESS_KEY": "wrong"}, "SignatureDoesNotMatch", 3),
        (["--endpoint-url", "http://127.0.0.1:1"], {}, "Check --endpoint-url", 4),
        (["--to", "bucket"], {}, "does not name a bucket", 2),
        (["--public-base", "http://127.0.0.1:1/x"], {}, "cannot be reached", 3),
    ],
)
def test_a_fault_of_the_storage_is_the_exit_code(portrait, stub, monkeypatch, *, words, environ, says, code):
    """In the words and with the advice that `put` would give; an object that was stored is deleted again."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    ran = portrait("doctor", *storage(stub, *words))
    assert ran.code == code
    assert says in ran.err
    assert stub.bucket.objects == {}


def test_options_of_a_storage_need_its_name(portrait):
    """As for `put`."""
    assert "--endpoint-url needs --to." in portrait("doctor", "--endpoint-url", "http://127.0.0.1:1").err


def test_doctor_says_which_of_two_keys_is_used(portrait, emulator):
    """The neutral variable comes before the vendor's; the other one is named, and both values are not."""
    ran = portrait("doctor", PORTRAIT_API_KEY=emulator.api_key, ALLTOKEN_API_KEY="another")
    keys = [(row["state"], row["what"]) for row in ran.json if row["check"] == "key"]
    assert keys == [
        ("ok", "set by PORTRAIT_API_KEY"),
        ("note", "ALLTOKEN_API_KEY is set as well, and not used: PORTRAIT_API_KEY comes first"),
    ]
    assert "another" not in ran.out


@pytest.mark.parametrize("variable", ["PORTRAIT_API_KEY", "ALLTOKEN_API_KEY"])
def test_doctor_says_where_the_key_comes_from(portrait, emulator, variable):
    """The variable's name, and nothing of its value."""
    ran = portrait("doctor", **{"PORTRAIT_API_KEY": "", variable: emulator.api_key})
    assert {row["check"]: row["what"] for row in ran.json}["key"] == f"set by {variable}"


@pytest.mark.parametrize(
    "environ", [{"PORTRAIT_PROVIDER": "nope"}, {"PORTRAIT_PROVIDER": "gccai", "PORTRAIT_BASE_URL": ""}]
)
def test_one_fault_is_said_once(portrait, environ):
    """State, calls and storage all go by the provider."""
    ran = portrait("doctor", **environ)
    assert ran.code == 2
    assert [row["check"] for row in ran.json if row["state"] == "fault"] == ["configuration"]
    assert ran.err.count("portrait: ") == 1


def test_an_address_that_nobody_publishes_must_be_named(portrait):
    """Gccai has none that is known."""
    ran = portrait("doctor", PORTRAIT_PROVIDER="gccai", PORTRAIT_BASE_URL="")
    assert "gccai publishes no address.\n  → --base-url names the one that you were given." in ran.err


# Gateway → the call that tries its key.
GATEWAYS = {"xcompute": "GetTask", "apimart": "ListAssets", "gccai": "GetTask"}


@pytest.mark.parametrize(("provider", "call"), GATEWAYS.items())
def test_a_gateway_is_tried_by_one_read(portrait, emulator, provider, call):
    """Its library where it has one, else a task that does not exist."""
    ran = portrait("doctor", PORTRAIT_PROVIDER=provider)
    assert ran.code == 0, ran.err
    assert {"network", "portrait API", "key accepted"} <= {
        check for check, state in states(ran).items() if state == "ok"
    }
    assert [each["action"] for each in emulator.calls.all()] == [call]


@pytest.mark.parametrize("provider", GATEWAYS)
def test_a_key_that_a_gateway_refuses_is_a_fault(portrait, emulator, provider):
    """And the task that does not exist is none."""
    emulator.rules.add(do={"error": "KeyUnknown"})
    ran = portrait("doctor", PORTRAIT_PROVIDER=provider)
    assert ran.code == 3
    assert (states(ran)["network"], states(ran)["key accepted"]) == ("ok", "fault")


@pytest.fixture
def ark(portrait, emulator):
    """Runs `doctor` for Volcengine; further variables are those of the videos."""
    keys = {"PORTRAIT_ACCESS_KEY": "AKLTEMULATOR", "PORTRAIT_SECRET_KEY": "emulator-secret", "PORTRAIT_API_KEY": ""}

    def run(**environ):
        return portrait("doctor", PORTRAIT_PROVIDER="volcengine", PORTRAIT_BASE_URL=emulator.url, **keys | environ)

    return run


def test_videos_without_a_key_are_a_note(ark):
    """Assets can be used without; which variable is missing is said."""
    ran = ark()
    assert ran.code == 0, ran.err
    notes = {row["check"]: row["what"] for row in ran.json if row["state"] == "note"}
    assert notes["video key"] == "none is set: to generate videos, set PORTRAIT_API_KEY or ARK_API_KEY"


def test_the_address_of_videos_is_tried_with_their_key(ark, emulator):
    """One list of videos, beside the list of groups that is signed."""
    ran = ark(ARK_API_KEY=emulator.api_key, PORTRAIT_DATA_BASE_URL=f"{emulator.url}/api/v3")
    assert ran.code == 0, ran.err
    findings = {row["check"]: row for row in ran.json}
    assert findings["video key"]["what"] == "set by ARK_API_KEY"
    assert findings["video address"]["what"] == f"{emulator.url}/api/v3"
    assert {states(ran)[check] for check in ("video network", "video API", "video key accepted")} == {"ok"}
    assert emulator.calls.count("ListVideos") == 1
    assert emulator.api_key not in ran.out + ran.err


def test_an_address_of_videos_that_is_not_named_is_a_note(ark, emulator):
    """The key of the vendor goes to no address that leads away from it."""
    ran = ark(PORTRAIT_API_KEY=emulator.api_key)
    assert ran.code == 0, ran.err
    notes = {row["check"]: row["what"] for row in ran.json if row["state"] == "note"}
    assert notes["video address"].endswith("Set PORTRAIT_DATA_BASE_URL to generate videos.")
    assert emulator.calls.count("ListVideos") == 0


def test_a_key_that_is_refused_for_videos_is_a_fault(ark, emulator):
    """The pair of keys is fine."""
    emulator.rules.add(match={"action": "ListVideos"}, do={"error": "KeyUnknown"})
    ran = ark(PORTRAIT_API_KEY=emulator.api_key, PORTRAIT_DATA_BASE_URL=f"{emulator.url}/api/v3")
    assert ran.code == 3
    assert (states(ran)["key accepted"], states(ran)["video key accepted"]) == ("ok", "fault")


def test_a_wrong_address_of_videos_is_a_fault(ark, emulator):
    """Nothing is said of the key, which nobody has looked at."""
    ran = ark(PORTRAIT_API_KEY=emulator.api_key, PORTRAIT_DATA_BASE_URL=emulator.url)
    assert ran.code == 3
    assert (states(ran)["video API"], states(ran)["video key accepted"]) == ("fault", "skipped")
    assert f"{emulator.url} answers, but not as the video API (HTTP status 404)" in ran.err
    assert "PORTRAIT_DATA_BASE_URL ends in /api/v3, as in https://ark.cn-beijing.volces.com/api/v3." in ran.err
