"""`put` at the task gateways: up to 20 addresses in one request, and the same command again is harmless."""

import pytest

GATEWAYS = ("xcompute", "apimart", "gccai")
BLIND = ("xcompute", "gccai")


@pytest.fixture(params=GATEWAYS)
def provider(request):
    """A gateway."""
    return request.param


def urls(count):
    """Addresses of so many pictures."""
    return [f"https://magic.test/{number}.png" for number in range(count)]


def test_addresses_become_active_assets_and_stay_so(portrait, emulator, provider):
    """Two requests for 23 addresses, and none for the same command again."""
    for origin in ("created", "existing"):
        ran = portrait("put", *urls(23), "--group", "brand", PORTRAIT_PROVIDER=provider)
        assert (ran.code, ran.err) == (0, "")
        assert [row["status"] for row in ran.rows] == ["Active"] * 23
        assert {row["origin"] for row in ran.rows} == {origin}
        assert len({row["uri"] for row in ran.rows}) == 23
        assert all(row["uri"].startswith("asset://asset-") for row in ran.rows)
    assert emulator.calls.count("PrivateAvatar") == 2


def test_a_late_review_is_waited_for_by_the_same_command(portrait, provider):
    """`portrait wait` reads assets, and what is known here is a task."""
    ran = portrait("put", *urls(1), "--group", "brand", "--timeout", "0", PORTRAIT_PROVIDER=provider)
    assert ran.code == 5
    assert "give the same sources to the same group again" in ran.err
    assert "portrait wait" not in ran.err


def test_a_failed_review_hides_no_other_asset(portrait, provider):
    """Its reason stands in its own line."""
    ran = portrait(
        "put", *urls(3), "https://magic.test/x.png?code=FaceMismatch", "--group", "b", PORTRAIT_PROVIDER=provider
    )
    assert ran.code == 1
    assert sorted(row["status"] for row in ran.rows) == ["Active", "Active", "Active", "Failed"]
    assert "FaceMismatch" in ran.err


def test_a_dry_run_sends_nothing(portrait, emulator, provider):
    """It says what the state and the library know."""
    portrait("put", *urls(2), "--group", "brand", PORTRAIT_PROVIDER=provider)
    ran = portrait("put", *urls(3), "--group", "brand", "--dry-run", PORTRAIT_PROVIDER=provider)
    (plan,) = ran.json["groups"]
    assert (ran.code, plan["existing"], plan["new"]) == (0, 2, 1)
    assert emulator.calls.count("PrivateAvatar") == 1


@pytest.mark.parametrize("provider", BLIND)
def test_a_lost_answer_is_unknown_until_somebody_has_looked(portrait, emulator, provider):
    """It is not sent again: the exit code says so in each run."""
    emulator.rules.add(match={"action": "PrivateAvatar"}, when={"first": 1}, do={"close": "after-commit"})
    for _ in range(2):
        ran = portrait("put", *urls(2), "--group", "brand", PORTRAIT_PROVIDER=provider)
        assert (ran.code, {row["status"] for row in ran.rows}) == (4, {"Unknown"})
    assert emulator.calls.count("PrivateAvatar") == 1


def test_a_file_goes_where_a_file_can_go(portrait, picture, provider):
    """By apimart's upload; elsewhere it is refused by the provider's name."""
    ran = portrait("put", picture("a.jpg"), "--group", "brand", PORTRAIT_PROVIDER=provider)
    if provider in BLIND:
        assert (ran.code, ran.rows[0]["status"]) == (1, "Rejected")
        assert f"{provider} cannot take files that have no public address" in ran.err
    else:
        assert (ran.code, ran.rows[0]["status"]) == (0, "Active")


def test_files_of_a_person_go_into_the_persons_group(portrait, emulator, client, provider):
    """By its id; where the gateway cannot tell, by its type as well."""
    session = client.create_visual_validate_session(callback_url="https://app.example/back")
    emulator.validations.finish(session, "pass", subject="ann")
    group = client.get_visual_validate_result(byted_token=session.byted_token).group_id
    type_ = ["--group-type", "LivenessFace"] if provider in BLIND else []
    ran = portrait("put", "https://magic.test/a.png?subject=ann", "--group", group, *type_, PORTRAIT_PROVIDER=provider)
    assert (ran.code, ran.rows[0]["status"], ran.rows[0]["group_id"]) == (0, "Active", group)
    assert emulator.calls.count("RealAvatar") == 1


def test_a_command_of_actions_says_that_it_cannot(portrait, provider):
    """And which commands can."""
    ran = portrait("groups", PORTRAIT_PROVIDER=provider)
    assert ran.code == 2
    assert f"cannot call {provider}" in ran.err
    assert "`portrait put` and `portrait video` can" in ran.err
