"""Secrets are planted wherever a user has some, calls succeed and fail, and everything that people read is searched.

Looked at: the emulator's call log, state, rules, snapshots, dashboard and OpenAPI, its lines per call, both packages'
logs, events, and every error as str, repr, pickle and traceback.
"""

import copy
import logging
import pickle
import traceback
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

from emulator.domain.reasons import Reason
from emulator.settings import KeyPair, Settings
from emulator.stderr_log import CallLogger
from emulator.testing import Emulator
from portrait.errors import PortraitError
from tests.emulator.web.wire import ask
from tests.media_samples import image

KEY = "sk-planted-key-0123456789abcdef"
ACCESS_KEY, SECRET_KEY, SESSION_TOKEN = "AKLTPLANTED", "planted-secret-key", "planted-session-token"
SIGNATURE, NONCE, CONTROL = "planted-signature", "planted-callback-nonce", "planted-control-token"
SIGNED = f"https://bucket.example/a.jpg?X-Amz-Signature={SIGNATURE}"
BACK = f"https://app.example/done?nonce={NONCE}"
CREDENTIALS = {
    "alltoken": {"api_key": KEY},
    "volcengine": {"access_key": ACCESS_KEY, "secret_key": SECRET_KEY, "session_token": SESSION_TOKEN},
}
# What may happen to a call on its way, besides a refusal by each reason.
FAULTS = [
    {"close": "before"}, {"close": "after-commit"}, {"truncate": 90}, {"http": {"status": 502}},
    {"http": {"status": 302}}, {"http": {"status": 429, "body": "text"}},
]  # fmt: skip
DETAILS = {Reason.MEDIA_REJECTED: ".WidthTooSmall", Reason.MISSING_FIELD: ".Name", Reason.INVALID_FIELD: ".Name"}


class Search:
    """What was read by people, and the secrets that it must not hold."""

    def __init__(self):
        self.secrets = {KEY, SECRET_KEY, SESSION_TOKEN, SIGNATURE, NONCE, CONTROL}
        self.texts = []

    def session(self, session):
        """A session's token and link are secrets."""
        self.secrets |= {session.byted_token, session.h5_link, *self._values(session.h5_link)}
        # What remains of the reprs: the application's own address may stand there, whatever it holds.
        self.texts += [text.replace(session.callback_url, "") for text in (repr(session), str(session))]

    def asset(self, asset):
        """The signature of an asset's link is one."""
        if asset.url:
            self.secrets |= set(self._values(asset.url))
        self.texts.append(repr(asset))

    def error(self, error):
        """All that an error may be turned into, with what it was caused by."""
        self.texts += [
            str(error), repr(error), repr(error.args), repr(pickle.dumps(error)), str(copy.copy(error)),
            "".join(traceback.format_exception(error)),
        ]  # fmt: skip

    @staticmethod
    def _values(link):
        return [value for _, value in parse_qsl(urlsplit(link).query) if len(value) > 16]

    def found(self):
        """Each secret that stands in a text, and where."""
        return [
            (secret, text[max(0, at - 100) : at + len(secret)])
            for text in self.texts
            for secret in self.secrets
            if (at := text.find(secret)) >= 0
        ]


class Play:
    """Calls by a client of one colour; errors are collected."""

    def __init__(self, colour, client, search):
        self.colour, self.client, self.search = colour, client, search

    def __call__(self, method, *args, **fields):
        """The result of a call; None where it failed."""
        try:
            return self.colour.run(getattr(self.client, method), *args, **fields)
        except PortraitError as error:
            self.search.error(error)
            return None

    def session(self):
        """A new session, which is a secret."""
        session = self("create_visual_validate_session", callback_url=BACK)
        if session is not None:
            self.search.session(session)
        return session

    def person(self, finish):
        """A person who passes, and everything that can go wrong with the token."""
        open_, done = self.session(), self.session()
        self("get_visual_validate_result", byted_token=open_.byted_token)
        self("wait_until_validated", open_, timeout=1)
        finish(done.byted_token)
        self("get_visual_validate_result", byted_token=done.byted_token)
        self("get_visual_validate_result", byted_token=done.byted_token)
        self("call", "GetVisualValidateResult", {"BytedToken": done.byted_token})
        self("validate_person", callback_url=BACK, show=self.search.session, attempts=1, timeout=1)
        self("validate_person", callback_url=BACK, show=self.search.session, attempts=1, quota=1)

    def files(self, fail):
        """Files with signed addresses, accepted, refused, failed and not there."""
        group = self("create_asset_group", name="hosts").id
        asset = self("create_asset", group_id=group, url=SIGNED, asset_type="Image")
        self.search.asset(self("wait_until_active", asset.id))
        bad = self("create_asset", group_id=group, url=SIGNED, asset_type="Image")
        fail(bad.id)
        self("wait_until_active", bad.id)
        self.search.asset(self("get_asset", id=bad.id))
        self("create_asset", group_id="group-0", url=SIGNED, asset_type="Image")
        self("create_asset", group_id=group, url=SIGNED.replace("https", "ftp"), asset_type="Image")
        self("create_asset", group_id=group, url=f"https://u:{SIGNATURE}@h.example/", asset_type="Image")
        self("ensure_asset", SIGNED, group_id=group)
        self("upload_asset", image("PNG", 400, 500), group_id=group)
        self("upload_asset", b"no picture", group_id=group)
        self("list_assets")
        return group

    def faults(self, rules, group):
        """Each fault on a create and on a read, and each reason."""
        token = self.session().byted_token
        dos = [*FAULTS, *({"error": f"{reason}{DETAILS.get(reason, '')}"} for reason in Reason)]
        for do in dos:
            rules.clear()
            rules.add(match={"customer": KEY}, do=do)
            rules.add(do=do)
            self("create_asset", group_id=group, url=SIGNED, asset_type="Image")
            self("get_visual_validate_result", byted_token=token)
            self.session()


def read_emulator(search, emulator, url):
    """Everything that the emulator shows."""
    control = emulator.service.control
    control.snapshots.save("all")
    search.texts += [repr(each()) for each in (control.state, control.calls, control.rules, control.health)]
    search.texts += [repr(control.snapshots.all()), control.snapshots.read("all").decode(), repr(emulator.snapshot())]
    search.texts.append(repr(emulator.service.settings))
    for path in ("", "state", "calls", "rules", "snapshots", "snapshots/all", "health", "clock", "openapi.json"):
        status, headers, body = ask(url, "GET", f"/_emulator/{path}", None, {})
        assert status == 200, path
        search.texts += [repr(headers), body.decode()]
    customer = orjson.loads(ask(url, "GET", "/_emulator/state", None, {})[2])["customers"][0]["name"]
    search.texts.append(ask(url, "GET", f"/_emulator/calls?customer={customer}", None, {})[2].decode())


@pytest.mark.rotate("route")
@pytest.mark.parametrize("provider", CREDENTIALS)
@pytest.mark.parametrize("route", ["in process", "socket"])
def test_no_secret_is_shown(colour, caplog, provider, route):
    """Whatever succeeds or fails, by either client and route; what is searched for is there to be found."""
    caplog.set_level(logging.DEBUG)
    search, events = Search(), []
    pairs = {ACCESS_KEY: KeyPair(SECRET_KEY, "signer", SESSION_TOKEN)}
    settings = Settings(access_keys=pairs, control_token=CONTROL, groups=200, assets=200)
    with Emulator(settings) as emulator:
        url = emulator.url
        emulator.service.control._call_log.add = _tee(emulator, search)
        options = {"transport": None} if route == "socket" else {}
        client = colour.client(emulator, provider=provider, on_event=events.append, **CREDENTIALS[provider], **options)
        play = Play(colour, client, search)
        search.texts += [repr(client), str(vars(client).keys())]
        group = play.files(lambda asset: emulator.assets.fail(asset, "FaceMismatch"))
        play.person(emulator.validations.finish)
        play.faults(emulator.rules, group)
        emulator.rules.clear()
        emulator.clock.advance(7200)
        play.session()
        read_emulator(search, emulator, url)
        colour.run(client.close)
        wrong = CREDENTIALS[provider] | ({"secret_key": f"{SECRET_KEY}-x"} if provider == "volcengine" else {})
        other = Play(colour, colour.client(emulator, provider=provider, **wrong), search)
        other("get_asset", id="asset-0")
        colour.run(other.client.close)
    search.texts += [*map(repr, events), caplog.text, *(repr(vars(record)) for record in caplog.records)]
    assert len(search.texts) > 300
    assert len(search.secrets) > 12
    assert search.found() == []


def _tee(emulator, search):
    """The call log's entry point, with a line per call as `serve --verbose` writes it."""
    add, line = emulator.service.control._call_log.add, CallLogger(search.texts.append, emulator.clock)

    def both(record):
        add(record)
        line(record)

    return both
