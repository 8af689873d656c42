"""Plays the golden files of videos in the three shapes, and what takes more than one request to see."""

import pytest

from tests.wire.golden import assert_answered, assert_explained, files

ALLTOKEN, ARK = "/v1/videos/generations", "/api/v3/contents/generations/tasks"
PROMPT = {"model": "seedance-2.0", "prompt": "a walk"}
ARK_MODEL = "doubao-seedance-2-0-260128"


@pytest.mark.parametrize("path", **files("wire-videos"))
def test_the_answer_is_the_golden_one(path, server, me, other):
    """Each provider's shape answers a golden request with the golden status and body."""
    assert_answered(path, server, {"me": me, "other": other})


def test_a_golden_file_says_what_it_is_and_where_it_comes_from():
    """A golden file names its case, its mark and its source."""
    for path in files("wire-videos")["argvalues"]:
        assert_explained(path)


def created(customer, body=None, path=ALLTOKEN):
    """The id of a new video."""
    answer = customer.json("POST", path, PROMPT | (body or {}))
    assert answer.status in {200, 202}, answer.raw
    return answer.body["id"]


def read(customer, video, path=ALLTOKEN):
    """A video as it is now."""
    answer = customer.json("GET", f"{path}/{video}")
    assert answer.status == 200, answer.raw
    return answer.body


def finished(server, customer, body=None):
    """A video that has ended, as Ark shows it."""
    video = created(customer, {"model": ARK_MODEL, "content": [{"type": "text", "text": "x"}]} | (body or {}), ARK)
    server.advance(61)
    return read(customer, video, ARK)


def test_a_word_that_is_none_is_answered_by_the_words_that_are(me):
    """An absent field is none of them."""
    answer = me.json("POST", ALLTOKEN, PROMPT | {"resolution": "9999p"})
    assert "must be one of 480p, 720p" in answer.raw.decode()


def fetch(server, url, headers=None):
    """The answer to a GET of an address of the server's own."""
    return server.request("GET", url.removeprefix(server.url), headers=headers or {})


@pytest.mark.parametrize(("name", "kind"), [("mp4", "video/mp4"), ("mov", "video/quicktime")])
def test_a_video_is_served_in_its_format(server, me, name, kind):
    """MP4 by default and MOV where it was asked for: both with the box that says what they are."""
    answer = fetch(server, finished(server, me, {"output_format": name})["content"]["video_url"])
    assert (answer.status, answer.headers["content-type"]) == (200, kind)
    assert answer.raw[4:8] == b"ftyp"
    assert 1000 < len(answer.raw) < 20_000


def test_the_last_frame_is_a_picture(server, me):
    """A PNG, where it was asked for."""
    content = finished(server, me, {"return_last_frame": True})["content"]
    answer = fetch(server, content["last_frame_url"])
    assert (answer.status, answer.headers["content-type"]) == (200, "image/png")
    assert answer.raw.startswith(b"\x89PNG")


def test_a_video_is_served_in_ranges(server, me):
    """A part, the rest, the end, and a range that lies behind it; several ranges at once give the whole."""
    url = finished(server, me)["content"]["video_url"]
    whole = fetch(server, url).raw
    size = len(whole)
    for text, part, content_range in (
        ("bytes=0-99", whole[:100], f"bytes 0-99/{size}"),
        ("bytes=100-", whole[100:], f"bytes 100-{size - 1}/{size}"),
        ("bytes=-50", whole[-50:], f"bytes {size - 50}-{size - 1}/{size}"),
        ("bytes=5-999999999", whole[5:], f"bytes 5-{size - 1}/{size}"),
    ):
        answer = fetch(server, url, {"Range": text})
        assert (answer.status, answer.raw, answer.headers["content-range"]) == (206, part, content_range)
    behind = fetch(server, url, {"Range": f"bytes={size}-"})
    assert (behind.status, behind.headers["content-range"]) == (416, f"bytes */{size}")
    for text in ("bytes=0-1,5-6", "bytes=-", "items=0-1", "bytes=9-5x"):
        assert fetch(server, url, {"Range": text}).raw == whole


def test_an_address_dies_after_a_day(server, me):
    """24 hours after the end, and a changed one never lives; AllToken says that it has expired."""
    video = created(me)
    server.advance(61)
    url = read(me, video)["video_url"]
    assert fetch(server, url).status == 200
    assert fetch(server, url[:-1] + ("0" if url[-1] != "0" else "1")).status == 403
    server.advance(86_398)
    assert (fetch(server, url).status, read(me, video)["is_expired"]) == (200, False)
    server.advance(2)
    assert (fetch(server, url).status, read(me, video)["is_expired"]) == (403, True)


def test_three_clips_are_all_that_a_video_takes(server, me):
    """A fourth one is refused, whatever its length."""
    references = [
        {"type": "video_url", "video_url": {"url": f"https://cdn.example/{n}.mp4"}, "role": "reference_video"}
        for n in range(4)
    ]
    answer = me.json("POST", ALLTOKEN, PROMPT | {"content": references})
    assert (answer.status, answer.body["error"]["param"]) == (400, "content")
    assert me.json("POST", ALLTOKEN, PROMPT | {"content": references[:3]}).status == 202


def test_capitals_of_an_address_are_taken(server, me):
    """`Asset://Asset-…` is the same asset."""
    asset = me.asset(me.group())
    server.advance(5)
    content = [{"type": "image_url", "image_url": {"url": f"Asset://A{asset[1:]}"}, "role": "first_frame"}]
    assert created(me, {"content": content})


def content(url):
    """A reference to a picture, as AllToken and Ark take it."""
    return {"content": [{"type": "image_url", "image_url": {"url": url}, "role": "reference_image"}]}


# Shape → path, model, a model that takes no assets, the fields for one picture, and the place of its address.
SHAPES = {
    "alltoken": (ALLTOKEN, "seedance-2.0", "seedance-1.5-pro", content, "content[0].image_url.url"),
    "ark": (ARK, ARK_MODEL, None, content, "content[0].image_url.url"),
    "gateway": (ALLTOKEN, "doubao-seedance-2.0", None, lambda url: {"image_urls": [url]}, "image_urls[0]"),
}
# Shape → type and code of a refused reference.
REFUSED = {
    "alltoken": ("invalid_request_error", "upstream_invalid_parameter"),
    "ark": ("BadRequest", "InvalidParameter"),
    "gateway": ("invalid_request_error", 400),
}
UNUSABLE = {
    "processing": lambda _, me, __: me.asset(me.group()),
    "failed": lambda server, me, _: ready(server, me, url="https://magic.test/a.jpg?code=FaceMismatch"),
    "foreign": lambda server, _, other: ready(server, other),
    "of another kind": lambda server, me, _: ready(server, me, url="https://cdn.example/a.mp4", kind="Video"),
    "unknown": lambda *_: "asset-20260318035710-xxxxx",
}


def ready(server, customer, **fields):
    """An asset whose review has ended."""
    asset = customer.asset(customer.group(), **fields)
    server.advance(30)
    return asset


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("case", UNUSABLE)
def test_an_asset_that_cannot_be_used_is_refused(server, me, other, shape, case):
    """400 in each shape, with the place and the service's sentence; nothing is created."""
    path, model, _, references, place = SHAPES[shape]
    asset = UNUSABLE[case](server, me, other)
    answer = me.json("POST", path, {"model": model, "prompt": "x", **references(f"asset://{asset}")})
    unfound = f"The specified asset {asset} is not found."
    why = "the specified asset is not an image" if case == "of another kind" else unfound
    error = answer.body["error"]
    assert (answer.status, error["type"], error["code"]) == (400, *REFUSED[shape])
    assert f"The parameter `{place}` specified in the request is not valid: {why}" in error["message"]
    assert me.json("GET", ALLTOKEN).body["total"] == 0


@pytest.mark.parametrize("shape", SHAPES)
def test_an_active_asset_ends_in_a_video(server, me, shape):
    """In each shape; an older model does not take it."""
    path, model, older, references, place = SHAPES[shape]
    body = {"model": model, "prompt": "x", **references(f"asset://{ready(server, me)}")}
    if older is not None:
        answer = me.json("POST", path, body | {"model": older})
        assert (answer.status, answer.body["error"]["param"]) == (400, place)
    answer = me.json("POST", path, body)
    assert answer.status in {200, 202}, answer.raw
    video = answer.body["data"][0]["task_id"] if shape == "gateway" else answer.body["id"]
    server.advance(61)
    found = read(me, video, "/v1/tasks" if shape == "gateway" else path)
    if shape == "gateway":
        url = found["data"]["result"]["videos"][0]["url"][0]
    else:
        url = found["video_url"] if shape == "alltoken" else found["content"]["video_url"]
    assert fetch(server, url).raw[4:8] == b"ftyp"


def test_all_shapes_show_one_state(server, me):
    """A video that one shape created is read by the others."""
    video = created(me)
    server.advance(61)
    assert read(me, video, ARK)["status"] == "succeeded"
    assert me.json("GET", f"/v1/tasks/{video}").body["data"]["status"] == "completed"


def test_videos_belong_to_one_customer(server, me, other):
    """Nobody else reads, lists, cancels or deletes them."""
    video = created(me)
    assert other.json("GET", f"{ALLTOKEN}/{video}").status == 404
    assert other.json("POST", f"{ALLTOKEN}/{video}/cancel", {}).status == 404
    assert other.json("DELETE", f"{ARK}/{video}").status == 404
    assert other.json("GET", ALLTOKEN).body == {"items": [], "total": 0}


def test_a_list_has_pages_newest_first(server, me):
    """By `limit` and `page`, and by `page_num` and `page_size`; a page past the end is empty."""
    videos = [created(me) for _ in range(5)][::-1]
    pages = [me.json("GET", f"{ALLTOKEN}?limit=2&page={page}").body for page in (1, 2, 3, 4)]
    assert [item["id"] for page in pages for item in page["items"]] == videos
    assert {page["total"] for page in pages} == {5}
    pages = [me.json("GET", f"{ARK}?page_size=3&page_num={page}").body["items"] for page in (1, 2)]
    assert [item["id"] for page in pages for item in page] == videos
    for query in ("limit=0", "limit=101", "limit=x", "page=0", "status=nosuch"):
        assert me.json("GET", f"{ALLTOKEN}?{query}").status == 400


def test_arks_list_is_filtered_by_ids_and_tier(me):
    """A parameter for each id, as the official SDK sends them; a video of no tier is `default`."""
    body = {"content": [{"type": "text", "text": "x"}], "model": ARK_MODEL}
    first, _, third = (created(me, body | more, ARK) for more in ({}, {}, {"service_tier": "flex", "priority": 3}))
    query = f"filter.task_ids={first}&filter.task_ids={third}"
    assert [item["id"] for item in me.json("GET", f"{ARK}?{query}").body["items"]] == [third, first]
    (item,) = me.json("GET", f"{ARK}?filter.service_tier=flex").body["items"]
    assert (item["id"], item["service_tier"], item["priority"]) == (third, "flex", 3)
    assert me.json("GET", f"{ARK}?filter.service_tier=default").body["total"] == 2


@pytest.mark.parametrize("option", [{"priority": "high"}, {"draft": 1}, {"service_tier": 7}, {"seed": 1.5}])
def test_an_option_of_the_wrong_type_is_refused(me, option):
    """400, and its name."""
    body = {"content": [{"type": "text", "text": "x"}], "model": ARK_MODEL}
    answer = me.json("POST", ARK, body | option)
    assert (answer.status, answer.body["error"]["param"]) == (400, *option)


def test_a_list_covers_seven_days(server, me):
    """What was created before is neither listed nor read."""
    video = created(me)
    server.advance(7 * 86_400 - 1)
    assert read(me, video)["status"] == "completed"
    server.advance(2)
    assert me.json("GET", ALLTOKEN).body["total"] == 0
    assert me.json("GET", f"{ALLTOKEN}/{video}").status == 404


@pytest.fixture(scope="module")
def keyed(start):
    """A server whose keys stand for providers."""
    names = ("alltoken", "xcompute", "apimart", "gccai", "byteplus")
    return start(*(option for name in names for option in ("--key-provider", f"sk-{name}={name}")))


def test_the_key_decides_which_shape_answers(keyed):
    """Its provider's, whatever the body looks like."""
    body = {"prompt": "a walk", "ratio": "16:9"}
    answer = keyed.customer_of("sk-xcompute").json("POST", ALLTOKEN, {"model": "doubao-seedance-2.0", **body})
    assert answer.body["code"] == 200
    answer = keyed.customer_of("sk-alltoken").json("POST", ALLTOKEN, {"prompt": "a walk", "size": "16:9"})
    assert answer.body["error"]["code"] == "invalid_request"


@pytest.mark.parametrize(
    ("body", "gateway"),
    [
        ({"model": "doubao-seedance-2.0", "prompt": "x"}, True),
        ({"model": "seedance-2.0", "prompt": "x"}, False),
        ({"model": "seedance-2.0", "prompt": "x", "size": "16:9"}, True),
        ({"model": "seedance-2.0", "prompt": "x", "image_urls": []}, True),
        ({"model": "seedance-2.0", "prompt": "x", "content": []}, False),
        ({"model": "seedance-2.0", "prompt": "x", "ratio": "16:9"}, False),
        ({}, False),
        ([], False),
    ],
)
def test_without_a_provider_the_body_decides(server, me, body, gateway):
    """`content` or `ratio` is AllToken's, the gateways' fields are theirs, else the model's name."""
    answer = me.json("POST", ALLTOKEN, body).body
    assert ("code" in answer or answer.get("error", {}).get("code") == 400) is gateway


def test_a_provider_has_its_own_models(keyed):
    """Apimart's models for faces take no asset; its short names and gccai's default resolution are known there."""
    customer = keyed.customer_of("sk-apimart")
    asset = customer.asset(customer.group())
    keyed.advance(5)
    body = {"prompt": "x", "image_urls": [f"asset://{asset}"]}
    assert customer.json("POST", ALLTOKEN, {"model": "seedance-2.0-mini", **body}).status == 200
    refused = customer.json("POST", ALLTOKEN, {"model": "doubao-seedance-2.0-face", **body})
    assert (refused.status, refused.body["error"]["type"]) == (400, "invalid_request_error")
    assert (
        keyed.customer_of("sk-xcompute").json("POST", ALLTOKEN, {"model": "seedance-2.5", "size": "1:1"}).status == 400
    )
    costs = {}
    for name in ("xcompute", "gccai"):
        customer = keyed.customer_of(f"sk-{name}")
        created = customer.json("POST", ALLTOKEN, {"model": "doubao-seedance-2.0", "prompt": "x"})
        keyed.advance(61)
        task = customer.json("GET", f"/v1/tasks/{created.body['data'][0]['task_id']}").body["data"]
        costs[name] = task["cost"]
    assert costs["gccai"] < costs["xcompute"]
    models = [item["id"] for item in keyed.customer_of("sk-gccai").json("GET", "/v1/videos/models").body["data"]]
    assert models == ["doubao-seedance-2.0", "doubao-seedance-2.0-fast", "doubao-seedance-2.0-face"]


def test_a_rule_fails_a_video_or_makes_it_quick(server, me):
    """`review` changes the outcome and the time of a video as it does those of an asset."""
    rule = {
        "match": {"action": "CreateVideo", "customer": me.key},
        "do": {"review": {"code": "InternalError", "after": 7}},
    }
    added = server.control("POST", "rules", rule).body["id"]
    video = created(me)
    server.control("DELETE", f"rules/{added}")
    server.advance(7)
    failed = read(me, video)
    assert (failed["status"], failed["error"]["code"]) == ("failed", "InternalError")
    assert "video_url" not in failed
