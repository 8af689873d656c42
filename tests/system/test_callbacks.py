"""What a browser brings to CallbackURL: parsed without trust, confirmed by the service, told once."""

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from emulator.testing import Emulator
from portrait.codes import SCAN_CODES, SCAN_SUB_CODES
from portrait.errors import TokenExpired, ValidationFailed
from portrait.web import MAX_REMEMBERED, CallbackHandler, callback_url, parse_callback
from tests.system.runners import COLOURS

BACK = "https://app.example/done?order=7"
PASS = "resultCode=10000&algorithmBaseRespCode=0"
FAIL = "resultCode=41007&algorithmBaseRespCode=0"


@pytest.mark.parametrize(
    ("query", "passed", "code", "meaning"),
    [
        (PASS, True, 10000, "passed"),
        ("resultCode=10000&algorithmBaseRespCode=210311", False, 10000, "another person was seen"),
        ("resultCode=10000&algorithmBaseRespCode=201004", False, 10000, "no face was seen"),
        ("resultCode=10000&algorithmBaseRespCode=9", False, 10000, ""),
        ("resultCode=10000", False, 10000, ""),
        (FAIL, False, 41007, "no living person was recognized"),
        ("resultCode=49999", False, 49999, ""),
        ("resultCode=1e4&algorithmBaseRespCode=0", False, None, ""),
        ("resultCode=%2B10000&algorithmBaseRespCode=0", False, None, ""),
        ("resultCode=" + "1" * 5000, False, None, ""),
        ("", False, None, ""),
    ],
)
@pytest.mark.parametrize("address", ["/done", "https://app.example/done", "//["])
def test_a_pass_is_both_codes_and_nothing_else(address, query, passed, code, meaning):
    """An unknown code did not pass, and is kept; what is no number is none."""
    callback = parse_callback(f"{address}?portrait_nonce=n&{query}#top")
    assert (callback.nonce, callback.passed, callback.code, callback.meaning) == ("n", passed, code, meaning)


def test_the_nonce_is_the_first_and_the_pages_words_are_the_last():
    """Nobody changes which validation is meant by adding a parameter; the token is in no repr."""
    callback = parse_callback(
        f"{callback_url(BACK, 'mine')}&portrait_nonce=yours&bytedToken=a&{FAIL}&bytedToken=secret"
    )
    assert (callback.nonce, callback.token) == ("mine", "secret")
    assert "secret" not in repr(callback)
    assert parse_callback(callback_url(BACK)).nonce != parse_callback(callback_url(BACK)).nonce


def test_every_public_code_has_a_meaning():
    """The table of contract §3; each is the code of an error that says it."""
    assert len(SCAN_CODES) == 1 + 11 + 7 + 16 + 5
    for code in SCAN_CODES.keys() - {10000}:
        failure = parse_callback(f"?resultCode={code}&algorithmBaseRespCode=0").failure()
        assert (failure.code, failure.meaning) == (code, SCAN_CODES[code])
    for code in SCAN_SUB_CODES.keys() - {0}:
        assert parse_callback(f"?resultCode=10000&algorithmBaseRespCode={code}").meaning == SCAN_SUB_CODES[code]


class Site:
    """A web application with a callback, beside an emulator."""

    def __init__(self, emulator, client, http, handler, outcomes):
        self.emulator, self.client, self.http, self.handler, self.outcomes = emulator, client, http, handler, outcomes

    async def session(self):
        """A validation whose callback comes here, and the query that identifies it."""
        session = await self.client.create_visual_validate_session(callback_url=callback_url(BACK))
        return session, session.callback_url.partition("?")[2]

    async def come(self, query):
        """A browser comes: the status and the page."""
        response = await self.http.get(f"/done?{query}")
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
        return response.status, await response.text()


def on_site(scenario, colour="async"):
    """Run a scenario on a fresh site, whose handler has a client of that colour."""

    async def main():
        outcomes = []

        async def on_result(outcome):
            outcomes.append(outcome)

        with Emulator() as emulator:
            async with emulator.async_client() as client:
                app = web.Application()
                handler = CallbackHandler(client if colour == "async" else emulator.client(), on_result)
                app.add_routes([web.get("/done", handler.handle)])
                async with TestClient(TestServer(app)) as http:
                    await scenario(Site(emulator, client, http, handler, outcomes))

    asyncio.run(main())


@pytest.mark.parametrize("colour", COLOURS)
def test_a_pass_is_told_once_however_often_the_browser_comes(colour):
    """With the group that the service names; at once or again."""

    async def scenario(site):
        session, query = await site.session()
        site.emulator.validations.finish(session.byted_token, subject="alice")
        query += f"&bytedToken={session.byted_token}&{PASS}"
        pages = await asyncio.gather(*(site.come(query) for _ in range(3)))
        assert [status for status, _ in [*pages, await site.come(query)]] == [200] * 4
        (outcome,) = site.outcomes
        assert (outcome.nonce, outcome.error) == (parse_callback(session.callback_url).nonce, None)
        assert (await site.client.get_asset_group(id=outcome.group_id)).group_type == "LivenessFace"

    on_site(scenario, colour)


@pytest.mark.parametrize("colour", COLOURS)
def test_a_forged_pass_is_not_told(colour):
    """The service says pending, or knows no such token; the true pass that follows is told."""

    async def scenario(site):
        session, query = await site.session()
        assert (await site.come(f"{query}&bytedToken={session.byted_token}&{PASS}"))[0] == 409
        assert (await site.come(f"{query}&bytedToken=made-up&{PASS}"))[0] == 409
        assert (await site.come(f"{query}&{PASS}"))[0] == 409
        assert (await site.come(PASS))[0] == 400
        assert site.outcomes == []
        site.emulator.validations.finish(session.byted_token)
        assert (await site.come(f"{query}&bytedToken={session.byted_token}&{PASS}"))[0] == 200
        assert site.outcomes[0].group_id

    on_site(scenario, colour)


@pytest.mark.parametrize("with_token", [True, False])
def test_a_failed_scan_is_told_with_its_code(with_token):
    """Also where the page left the token out, of a session that is expected."""

    async def scenario(site):
        session, query = await site.session()
        site.emulator.validations.finish(session.byted_token, "fail")
        assert with_token or (await site.come(f"{query}&{FAIL}"))[0] == 409
        site.handler.expect(session)
        await site.come(f"{query}&{f'bytedToken={session.byted_token}&' if with_token else ''}{FAIL}")
        (outcome,) = site.outcomes
        assert isinstance(outcome.error, ValidationFailed)
        assert (outcome.error.code, outcome.group_id) == (41007, "")

    on_site(scenario)


def test_another_persons_token_does_not_count_for_an_expected_session():
    """A pass is only that of the session which the nonce stands for."""

    async def scenario(site):
        mine, query = await site.session()
        site.handler.expect(mine)
        other, _ = await site.session()
        site.emulator.validations.finish(other.byted_token, subject="mallory")
        assert (await site.come(f"{query}&bytedToken={other.byted_token}&{PASS}"))[0] == 409
        assert site.outcomes == []

    on_site(scenario)


def test_a_late_browser_is_told_that_it_is_too_late():
    """The life of the token is over."""

    async def scenario(site):
        session, query = await site.session()
        site.emulator.clock.advance(121)
        status, page = await site.come(f"{query}&bytedToken={session.byted_token}&{PASS}")
        assert (status, "begin again" in page) == (200, True)
        assert isinstance(site.outcomes[0].error, TokenExpired)

    on_site(scenario)


def test_a_group_that_comes_with_a_failing_code_is_named_and_did_not_pass():
    """Both are demanded; what was made can be erased."""

    async def scenario(site):
        session, query = await site.session()
        site.emulator.validations.finish(session.byted_token)
        await site.come(f"{query}&bytedToken={session.byted_token}&resultCode=10000&algorithmBaseRespCode=210311")
        (outcome,) = site.outcomes
        assert isinstance(outcome.error, ValidationFailed)
        assert outcome.group_id

    on_site(scenario)


@pytest.mark.parametrize("result", ["pass", "fail"])
def test_the_callback_of_validate_person_reaches_the_one_who_waits(result):
    """Only the waiting flow asks the service; both ends hear the same outcome, a failure with its code."""

    async def scenario(site):
        browsers = []

        def show(session):
            site.emulator.validations.finish(session.byted_token, result)
            query = session.callback_url.partition("?")[2]
            codes = PASS if result == "pass" else FAIL
            token = f"&bytedToken={session.byted_token}" if result == "pass" else ""
            browsers.append(asyncio.create_task(site.come(f"{query}{token}&{codes}")))
            return asyncio.sleep(0.01)  # the browser is there first

        wait = site.client.validate_person(callback_url=BACK, show=show, attempts=1)
        if result == "pass":
            person = await wait
        else:
            with pytest.raises(ValidationFailed, match="41007"):
                await wait
        assert (await browsers[0])[0] == 200
        (outcome,) = site.outcomes
        assert outcome.group_id == (person.group_id if result == "pass" else "")
        assert (getattr(outcome.error, "code", None)) == (41007 if result == "fail" else None)

    on_site(scenario)


@pytest.mark.parametrize("result", ["pass", "fail", "cancel"])
def test_a_blocking_client_in_another_thread_is_reached_too(result):
    """The thread that waits by validate_person ends with what the browser brought to the loop of the application."""

    async def scenario(site):
        loop, client, browsers = asyncio.get_running_loop(), site.handler._client, []

        def show(session):
            nonce = parse_callback(session.callback_url).nonce
            handle = f"val-{len(browsers) + 1}"
            site.emulator.validations.finish(handle, result)
            query = site.emulator.validations.callback_url(handle).partition("?")[2]
            browsers.append(asyncio.run_coroutine_threadsafe(site.come(query), loop))
            while nonce not in site.handler._tasks:  # the browser is there first
                asyncio.run_coroutine_threadsafe(asyncio.sleep(0.001), loop).result()

        wait = asyncio.to_thread(client.validate_person, callback_url=BACK, show=show, attempts=2)
        if result == "pass":
            person, code = await wait, None
        else:
            with pytest.raises(ValidationFailed) as failed:
                await wait
            person, code = None, {"fail": 41007, "cancel": 41000}[result]
            assert failed.value.code == code
        assert [(await asyncio.wrap_future(browser))[0] for browser in browsers] == [200] * (1 if person else 2)
        assert [outcome.group_id for outcome in site.outcomes] == ([person.group_id] if person else ["", ""])
        assert {getattr(outcome.error, "code", None) for outcome in site.outcomes} == {code}

    on_site(scenario, "sync")


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("result", ["pass", "nobody"])
def test_a_browser_that_comes_after_the_wait_has_ended_is_heard(colour, result):
    """The wait has used the token up, or has seen it expire; its outcome stays, and is reported like any other."""

    async def scenario(site):
        callbacks, client = [], site.handler._client

        def show(session):
            callbacks.append(session.callback_url)
            if result == "pass":
                site.emulator.validations.finish(session.byted_token)

        wait = {"callback_url": BACK, "show": show, "attempts": 1}
        run = asyncio.to_thread(client.validate_person, **wait) if colour == "sync" else client.validate_person(**wait)
        if result == "pass":
            expected, error = (await run).group_id, type(None)
        else:
            expected, error = "", TokenExpired
            with pytest.raises(TokenExpired):
                await run
        query = callbacks[0].partition("?")[2]
        assert [(await site.come(f"{query}&bytedToken=x&{PASS}"))[0] for _ in range(2)] == [200, 200]
        (outcome,) = site.outcomes
        assert (outcome.group_id, type(outcome.error)) == (expected, error)

    on_site(scenario, colour)


@pytest.mark.parametrize("waited", [True, False])
def test_a_result_that_could_not_be_reported_is_reported_at_the_next_callback(waited, caplog):
    """`on_result` raised: the browser is asked to come again, and the outcome is not lost though the token is used."""

    async def scenario(site):
        report, failures = site.handler._on_result, [OSError("the database is away"), None]

        async def on_result(outcome):
            if failure := failures.pop(0):
                raise failure
            await report(outcome)

        site.handler._on_result = on_result
        session, query = await site.session()
        query += f"&bytedToken={session.byted_token}&{PASS}"
        site.emulator.validations.finish(session.byted_token)
        if waited:
            site.client.validations.start(parse_callback(session.callback_url).nonce).result.set_result(
                await site.client.get_visual_validate_result(byted_token=session.byted_token)
            )
        assert [(await site.come(query))[0] for _ in range(3)] == [500, 200, 200]
        assert site.outcomes[0].group_id
        assert (len(site.outcomes), failures) == (1, [])
        assert site.handler._unreported == {}
        assert "the database is away" in caplog.text
        assert session.byted_token not in caplog.text

    on_site(scenario)


HOSTILE = [
    "%00%ff%fe", "&&&&=&=&", "portrait_nonce=", "portrait_nonce=%00", "portrait_nonce=<script>alert(1)</script>",
    "portrait_nonce=n&bytedToken=<b>&resultCode=10000&algorithmBaseRespCode=0", "portrait_nonce=" + "n" * 7000,
    "portrait_nonce=n&resultCode=10000%00&algorithmBaseRespCode=0", "portrait_nonce=n&resultCode=-1",
    "portrait_nonce=n&resultCode=%D9%A1%D9%A0%D9%A0%D9%A0%D9%A0&algorithmBaseRespCode=0",
    "portrait_nonce=n;resultCode=10000", "portrait_nonce=n&resultCode=10000&resultCode=41007",
    "portrait_nonce=..%2F..%2Fetc%2Fpasswd&bytedToken=%0d%0aSet-Cookie:%20x=1", "portrait_nonce[]=n&bytedToken[]=x",
    "&".join(f"portrait_nonce={number}" for number in range(300)),
]  # fmt: skip


def test_no_query_does_harm():
    """Whatever a browser brings: no pass, nobody told, no word of it on the page, never an error of ours."""

    async def scenario(site):
        for query in HOSTILE:
            status, page = await site.come(query)
            assert status in {400, 409}, query
            assert "script" not in page
            assert "passwd" not in page
            assert len(page) < 400
        assert site.outcomes == []
        assert site.handler._tasks == {}

    on_site(scenario)


@pytest.mark.parametrize("query", HOSTILE)
@pytest.mark.parametrize("start", ["", "?", "/done?", "https://app.example/done?", "http://[::1/?", "\\\\host?"])
def test_a_parsed_query_never_raises_and_never_passes(start, query):
    """The parser for other frameworks takes any address."""
    assert not parse_callback(start + query).passed or "bytedToken=<b>" in query


def test_the_page_allows_nothing_and_is_kept_by_nobody():
    """No script, no style, no frame, no form; the address with the token is passed on to no other site."""

    async def scenario(site):
        _, query = await site.session()
        for each in (query, "", f"{query}&bytedToken=x&{PASS}"):
            headers = (await site.http.get(f"/done?{each}")).headers
            assert headers["Content-Security-Policy"].split("; ") == [
                "default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
            ]  # fmt: skip
            assert headers["Cache-Control"] == "no-store"
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert "Set-Cookie" not in headers

    on_site(scenario)


def test_what_is_remembered_is_bounded(monkeypatch):
    """Of many validations the oldest that are over are forgotten; one of them that comes again is told to nobody."""
    monkeypatch.setattr("portrait.web.MAX_REMEMBERED", 3)
    assert MAX_REMEMBERED == 10_000

    async def scenario(site):
        queries = []
        for _ in range(5):
            session, query = await site.session()
            site.emulator.validations.finish(session.byted_token)
            queries.append(f"{query}&bytedToken={session.byted_token}&{PASS}")
            assert (await site.come(queries[-1]))[0] == 200
        assert len(site.handler._tasks) == 3
        assert (await site.come(queries[0]))[0] == 409
        assert len(site.outcomes) == 5

    on_site(scenario)
