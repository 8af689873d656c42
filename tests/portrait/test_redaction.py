"""Secrets are planted everywhere they can be; no log, repr, event, exception or pickled error may show one."""

import copy
import logging
import pickle
import traceback

import orjson
import pytest

from portrait import PortraitError, models
from portrait.clock import ManualClock
from portrait.dialects import ALLTOKEN, ARK
from portrait.errors import InvalidParameter
from portrait.http import FailureKind
from portrait.videos import Reference
from portrait.wait import wait_until_validated
from tests.portrait import raw_server
from tests.portrait.helpers import KEY, Driven, answer, asset, body, broken, endpoint, good, play, refused
from tests.portrait.raw_server import RawServer, ok, respond_with, send_exactly

TOKEN = "20260318035710FFFFFFFFFFFFFFFFFFFF"
QUERY = "X-Tos-Signature=planted-signature&X-Tos-Expires=43200"
LINK = f"https://h5.example/check?bytedToken={TOKEN}&ak=planted-access-key&lng=zh"
SIGNED = f"https://bucket.example/a.jpg?{QUERY}"
SECRETS = (KEY, TOKEN, "planted-signature", "planted-access-key")


def clean(*texts):
    """No text has a secret in it."""
    return [(secret, text) for text in texts for secret in SECRETS if secret in text] == []


def renderings(error):
    """Everything that an error may be turned into."""
    return [
        str(error),
        repr(error),
        repr(error.args),
        "".join(traceback.format_exception(error)),
        repr(pickle.dumps(error)),
        str(copy.copy(error)),
    ]


# What is asked, and the secrets that the request holds besides the key.
REQUESTS = {
    "validate": (lambda client: client.get_visual_validate_result(byted_token=TOKEN), TOKEN),
    "validate, raw": (lambda client: client.call("GetVisualValidateResult", {"BytedToken": TOKEN}), TOKEN),
    "create": (lambda client: client.create_asset(group_id="g", url=SIGNED, asset_type="Image"), SIGNED),
    "wait": (lambda client: client.wait_until_validated(TOKEN, timeout=5), TOKEN),
    "session": (lambda client: client.create_visual_validate_session(callback_url=SIGNED), SIGNED),
    "a signature": (
        lambda client: client.create_asset(group_id="g", url=SIGNED, asset_type="Image"),
        "planted-signature",
    ),
    "video": (
        lambda client: Driven(client.client.videos, client._runner).create(
            model="seedance-2.0", prompt="p", references=[Reference(SIGNED, role="reference_image")]
        ),
        SIGNED,
    ),
    "wait for an asset": (lambda client: client.wait_until_active("asset-1", timeout=5), ""),
}


def echo(held):
    """A sentence that repeats what the request held."""
    return f"The key {KEY} and {held} are not good."


# What the service says to a request that holds a secret.
ANSWERS = {
    "a code with the token": lambda held: ok(
        body(error={"Code": f"NotFound.{held}", "Message": echo(held), "Data": {held: [held, KEY]}})
    ),
    "the plain form": lambda held: ok(orjson.dumps({"error": {"message": echo(held), "type": held}})),
    "escaped as Go does": lambda held: ok(
        body(error={"Code": "InvalidParameter.DownloadFailed", "Message": echo(held)}).replace(b"&", b"\\u0026")
    ),
    "an HTML page": lambda held: ok(f"<html>{echo(held)}".encode()),
    "not JSON": lambda held: ok(echo(held).encode()),
    "cut off": lambda held: ok(echo(held).encode())[:-9],
    "a redirect": lambda _: b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % SIGNED.encode(),
    "a wrong result": lambda held: ok(body({"Id": [held], "GroupId": [KEY]})),
    "a failed asset": lambda _: ok(body(asset(status="Failed", FailedReason="FaceMismatch", URL=SIGNED, GroupId=""))),
}


@pytest.mark.rotate("colour")  # the code that blanks is common to both
@pytest.mark.parametrize("reply", ANSWERS)
@pytest.mark.parametrize("call", REQUESTS)
def test_no_error_log_or_event_repeats_a_secret(colour, caplog, call, reply):
    """Whatever the service echoes: over real connections, with every logger at DEBUG."""
    caplog.set_level(logging.DEBUG)
    events, errors = [], []
    ask, held = REQUESTS[call]
    with RawServer(send_exactly(ANSWERS[reply](held))) as server:
        client = colour.client(base_url=server.url, retry=None, on_event=events.append, clock=ManualClock())
        try:
            ask(client)
        except PortraitError as error:
            errors.append(error)
    texts = [text for error in errors for text in renderings(error)]
    assert clean(caplog.text, repr(events), repr(client.client), *texts)
    assert events
    assert caplog.records
    assert errors or reply in {"a wrong result", "a failed asset"}


@pytest.mark.parametrize(
    "behave", [raw_server.closing, raw_server.resetting_after, send_exactly(b"")], ids=["closed", "reset", "empty"]
)
@pytest.mark.parametrize("call", ["validate", "create"])
def test_a_broken_connection_repeats_no_secret(colour, caplog, call, behave):
    """The library's own words, which repeat addresses, stay out."""
    caplog.set_level(logging.DEBUG)
    with RawServer(behave) as server, pytest.raises(PortraitError) as info:
        REQUESTS[call][0](colour.client(base_url=server.url, retry=None))
    assert clean(caplog.text, *renderings(info.value))


def test_values_show_no_secret():
    """Requests, results and pages hide tokens, links and signed addresses in their repr, and so do effects."""
    item = asset(URL=SIGNED)
    for dialect in (ALLTOKEN, ARK):
        raw = endpoint(dialect=dialect).call_raw("GetVisualValidateResult", {"BytedToken": TOKEN})
        assert clean(repr(play(raw, broken(FailureKind.DISCONNECTED)).effects))
        mine = endpoint(dialect=dialect)
        wait = wait_until_validated(mine, TOKEN, 5, 1)
        assert clean(repr(play(wait, broken(FailureKind.DISCONNECTED), answer(b"<html>"), clock=mine.clock).effects))
    session = models.VisualValidateSession(byted_token=TOKEN, h5_link=LINK, callback_url="https://cdn.example/")
    assert clean(
        repr(session),
        repr(models.GetVisualValidateResultRequest(byted_token=TOKEN)),
        repr(models.CreateAssetRequest(group_id="g", url=SIGNED, asset_type="Image")),
        repr(models.Asset(id="a", url=SIGNED)),
        repr(models.AssetPage(items=(models.Asset(id="a", url=SIGNED),))),
        repr(models.UploadedAsset(id="a", uploaded_url=SIGNED)),
        repr(models.Response(body={"Result": item}, headers={"x": TOKEN})),
        repr(endpoint()),
        repr(endpoint().headers and good(item)),
    )


def test_results_over_the_wire_show_no_secret(colour, caplog):
    """A session and an asset that work: usable, and silent."""
    caplog.set_level(logging.DEBUG)
    events = []
    session = ok(body({"BytedToken": TOKEN, "H5Link": LINK, "CallbackURL": "https://cdn.example/"}))
    with RawServer(respond_with(session, ok(body(asset(URL=SIGNED))))) as server:
        client = colour.client(base_url=server.url, on_event=events.append)
        started = client.create_visual_validate_session(callback_url="https://cdn.example/")
        read = client.get_asset(id="asset-1")
    assert (started.byted_token, started.h5_link, read.url) == (TOKEN, LINK, SIGNED)
    assert clean(caplog.text, repr(events), repr(started), repr(read), repr(started.response), repr(read.response))


def test_a_refusal_keeps_all_but_the_secret():
    """What is blanked is what the request held; the rest of the code and the message stays."""
    refusal = answer(body(error={"Code": f"NotFound.{TOKEN}", "Message": f"The token {TOKEN} is not found."}), 404)
    played = play(endpoint().call_raw("GetVisualValidateResult", {"BytedToken": TOKEN}), refusal)
    assert played.error.code == "NotFound.<secret>"
    assert played.error.message == "The token <secret> is not found."
    assert played.error.response["ResponseMetadata"]["Error"]["Code"] == "NotFound.<secret>"
    other = play(endpoint().call_raw("GetAsset", {"Id": TOKEN}), refusal)
    assert other.error.code == f"NotFound.{TOKEN}"


@pytest.mark.parametrize("key", ["a", "me", "k1", "Message"])
def test_a_short_key_tears_no_answer_to_pieces(colour, key):
    """Any key works on an emulator: one that is a common word is not blanked in codes, messages and names."""
    client, _ = colour.scripted(refused("InvalidParameter", "The parameter Name is too long."), api_key=key)
    with pytest.raises(InvalidParameter) as caught:
        client.create_asset_group(name="x")
    assert caught.value.code == "InvalidParameter"
    assert caught.value.message == "The parameter Name is too long."


@pytest.mark.parametrize("text", ["The key k3y-A1 is not good.", "k3y-A1", "(k3y-A1)", "key=k3y-A1;", "not.k3y-A1"])
def test_a_short_key_is_blanked_where_it_stands_alone(colour, text):
    """key-short: six characters that the service repeats stand in no error."""
    client, _ = colour.scripted(refused("InvalidParameter.k3y-A1", text), api_key="k3y-A1")
    with pytest.raises(PortraitError) as caught:
        client.create_asset_group(name="x")
    assert not [shape for shape in renderings(caught.value) if "k3y-A1" in shape]
    assert "<secret>" in caught.value.message


def test_a_short_key_is_left_within_other_words(colour):
    """A part of a word or of an id is not the key."""
    client, _ = colour.scripted(refused("InvalidParameter", "asset-shop01x of workshop01"), api_key="shop01")
    with pytest.raises(PortraitError) as caught:
        client.create_asset_group(name="x")
    assert caught.value.message == "asset-shop01x of workshop01"
