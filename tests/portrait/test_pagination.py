"""Walking through lists: which page comes next, what is given, and when it ends."""

import orjson
import pytest

from portrait import UsageError, pagination
from portrait.dialects import ARK
from portrait.errors import BadResponse
from tests.portrait.helpers import asset, endpoint, good, play


def pages(total, *, size=100, counted=True, shift=()):
    """A service with `total` assets; after page n, `shift[n - 1]` new ones push the others back."""
    ids = [f"asset-{n}" for n in range(total)]

    def reply(request):
        fields = orjson.loads(request.body)
        number, wanted = fields["PageNumber"], min(fields["PageSize"], size)
        page_ids = ids[(number - 1) * wanted : number * wanted]
        result = {"Items": [asset(each) for each in page_ids], "PageNumber": number, "PageSize": wanted}
        if counted:
            result["TotalCount"] = len(ids)
        if number <= len(shift):
            ids[:0] = [f"new-{number}-{n}" for n in range(shift[number - 1])]
        return good(result)

    return reply


@pytest.mark.parametrize("counted", [True, False], ids=["with a total", "without"])
@pytest.mark.parametrize(("total", "calls"), [(0, 1), (1, 1), (99, 1), (100, 1), (101, 2), (250, 3), (300, 3)])
def test_every_item_comes_once(colour, total, calls, counted):
    """However many pages there are; only where there is no total an empty page must show the end."""
    client, script = colour.scripted(pages(total, counted=counted))
    assert [item.id for item in client.iter_assets()] == [f"asset-{n}" for n in range(total)]
    assert len(script.requests) == calls + (not counted and total > 0)


def test_what_moves_between_pages_comes_once(colour):
    """Created meanwhile: items are pushed to later pages, and are not given twice."""
    client, _ = colour.scripted(pages(250, shift=(30, 30)))
    ids = [item.id for item in client.iter_assets()]
    assert len(ids) == len(set(ids))
    assert set(ids) >= {f"asset-{n}" for n in range(250)}


@pytest.mark.parametrize("counted", [True, False], ids=["with a total", "without"])
def test_a_service_with_smaller_pages_is_walked_to_the_end(colour, counted):
    """100 were asked for, 50 came, and the page says that its size is 50: that is no end."""
    client, script = colour.scripted(pages(120, size=50, counted=counted))
    assert len(client.iter_assets()) == 120
    assert len(script.requests) == 3 + (not counted)


@pytest.mark.parametrize("echoed", [100, None], ids=["echoed as asked", "absent"])
@pytest.mark.parametrize("counted", [True, False], ids=["with a total", "without"])
def test_a_short_page_is_no_end(colour, echoed, counted):
    """once-short-page: a gateway gives 20 a page whatever is asked, and does not say so."""

    def clamped(request):
        number = orjson.loads(request.body)["PageNumber"]
        result = {"Items": [asset(f"asset-{n}") for n in range(60)[20 * (number - 1) : 20 * number]]}
        result |= {"PageSize": echoed} if echoed else {}
        return good(result | ({"TotalCount": 60} if counted else {}))

    client, _ = colour.scripted(clamped)
    assert [item.id for item in client.iter_assets()] == [f"asset-{n}" for n in range(60)]


def test_a_list_that_repeats_itself_ends_with_an_error(colour):
    """once-endless: every page shows the same 100 items of a billion."""
    items = [asset(f"asset-{n}") for n in range(100)]
    client, script = colour.scripted(good({"Items": items, "TotalCount": 10**9}))
    with pytest.raises(BadResponse, match="brought nothing new"):
        client.iter_assets()
    assert len(script.requests) <= 10


def test_a_service_that_ignores_the_page_number_ends_the_walk(colour):
    """Without a total, a full page that brings nothing new is the end: nobody walks in a circle for ever."""
    client, script = colour.scripted(good({"Items": [asset(f"asset-{n}") for n in range(100)]}))
    assert len(client.iter_assets()) == 100
    assert len(script.requests) == 2


@pytest.mark.parametrize("size", [-1, 0])
def test_an_empty_page_ends_the_walk_whatever_it_says(colour, size):
    """A service that counts wrongly keeps nobody walking."""
    client, script = colour.scripted(good({"Items": [], "PageSize": size, "TotalCount": 500}))
    assert client.iter_assets() == []
    assert len(script.requests) == 1


def test_a_query_becomes_filter_order_and_size(colour):
    """Plain strings and any iterables are taken."""
    client, script = colour.scripted(good({"Items": []}))
    client.iter_assets(
        group_type="LivenessFace",
        group_ids=(group for group in ["group-1"]),
        statuses=["Active"],
        name="host",
        sort_by="UpdateTime",
        sort_order="Asc",
        page_size=7,
        project_name="shop",
    )
    assert orjson.loads(script.requests[0].body) == {
        "Filter": {"GroupType": "LivenessFace", "GroupIds": ["group-1"], "Statuses": ["Active"], "Name": "host"},
        "PageNumber": 1,
        "PageSize": 7,
        "SortBy": "UpdateTime",
        "SortOrder": "Asc",
        "ProjectName": "shop",
    }


def test_groups_are_walked_alike(colour):
    """The same walk over ListAssetGroups."""
    client, script = colour.scripted(good({"Items": [{"Id": "group-1", "Name": "n"}], "TotalCount": 1}))
    assert [group.id for group in client.iter_asset_groups(name="n")] == ["group-1"]
    assert script.actions == ["ListAssetGroups"]


@pytest.mark.parametrize(
    "query", [{"statuses": "Active"}, {"statuses": ["Done"]}, {"group_type": "x"}, {"group_ids": "g"}, {"sort_by": "x"}]
)
def test_a_query_outside_of_the_set_is_a_usage_error(colour, query):
    """At once, not when the first item is asked for."""
    client, script = colour.scripted(good({"Items": []}))
    with pytest.raises(UsageError):
        getattr(client.client, "iter_assets")(**query)  # noqa: B009
    assert script.requests == []


def test_a_walk_asks_for_a_page_when_it_is_needed():
    """Whoever stops after the first item has asked for one page."""
    from portrait import PortraitClient  # noqa: PLC0415
    from tests.portrait.helpers import KEY, Script, _Blocking  # noqa: PLC0415

    script = Script(pages(250))
    walk = PortraitClient(api_key=KEY, transport=_Blocking(script)).iter_assets()
    assert script.requests == []
    assert next(walk).id == "asset-0"
    assert len(script.requests) == 1


def by_cursor(total, *, stuck=False):
    """A service that pages by cursor: no counts, no numbers, `NextToken` until the end."""

    def reply(request):
        fields = orjson.loads(request.body)
        assert not {"PageNumber", "PageSize"} & set(fields)
        start, size = int(fields.get("NextToken", "0")), fields["MaxResults"]
        items = [asset(f"asset-{n}") for n in range(start, min(start + size, total))]
        token = {"NextToken": str(start if stuck else start + size)} if start + size < total else {}
        return good({"Items": items, **token})

    return reply


@pytest.mark.parametrize(("total", "calls"), [(0, 1), (100, 1), (101, 2), (250, 3)])
def test_a_cursor_is_followed_to_the_end(total, calls):
    """Each page names the next one; a page without a cursor is the last."""
    paginator, reply, ids = pagination.asset_pages(by_cursor=True), by_cursor(total), []
    for _ in range(calls):
        request = paginator.next_request()
        played = play(endpoint(dialect=ARK).call(paginator.action, request), reply)
        ids += [item.id for item in paginator.consume(played.result)]
    assert paginator.next_request() is None
    assert ids == [f"asset-{n}" for n in range(total)]


def test_a_cursor_that_does_not_move_is_an_error():
    """The same page again and again ends in an error, not in an endless loop."""
    paginator, caller = pagination.asset_pages(by_cursor=True), endpoint(dialect=ARK)
    request = paginator.next_request()
    page = play(caller.call(paginator.action, request), by_cursor(250, stuck=True)).result
    for _ in range(5):
        paginator.consume(page)
    with pytest.raises(BadResponse, match="5 pages in a row"):
        paginator.consume(page)


def test_an_item_that_a_page_has_twice_comes_once(colour):
    """By numbers and by cursor."""
    result = {"Items": [asset("asset-1"), asset("asset-1"), asset("asset-2")], "TotalCount": 2}
    client, _ = colour.scripted(good(result))
    assert [item.id for item in client.iter_assets()] == ["asset-1", "asset-2"]
    walk = pagination.asset_pages(by_cursor=True)
    page = play(endpoint(dialect=ARK).call(walk.action, walk.next_request()), good(result)).result
    assert [item.id for item in walk.consume(page)] == ["asset-1", "asset-2"]


def test_what_is_of_another_group_or_type_is_somebody_elses(colour):
    """A service may not keep to the filter; what does not say where it belongs is taken for what was asked for."""
    mine = [asset("asset-1"), asset("asset-2", GroupId=""), asset("asset-3", GroupId="GROUP-1")]
    others = [asset("asset-4", GroupId="group-2")]
    client, script = colour.scripted(good({"Items": [*others, *mine], "TotalCount": 4}))
    assert [item.id for item in client.iter_assets(group_ids=["group-1"])] == ["asset-1", "asset-2", "asset-3"]
    assert len(client.iter_assets()) == 4
    assert len(script.requests) == 2
    groups = [{"Id": f"group-{kind}", "GroupType": kind} for kind in ("AIGC", "LivenessFace", "Newer", None)]
    client, _ = colour.scripted(good({"Items": groups, "TotalCount": 4}))
    assert [group.id for group in client.iter_asset_groups()] == ["group-AIGC", "group-Newer", "group-None"]
    assert [group.id for group in client.iter_asset_groups(group_ids=["GROUP-aigc"])] == ["group-AIGC"]


@pytest.mark.parametrize("total", [0, 19, -1])
def test_a_total_of_less_than_there_is_is_no_end(colour, total):
    """once-short-page: a gateway counts wrongly; what is not read would be created again."""
    ids = [f"asset-{n}" for n in range(50)]

    def reply(request):
        number = orjson.loads(request.body)["PageNumber"]
        return good({"Items": [asset(each) for each in ids[(number - 1) * 20 : number * 20]], "TotalCount": total})

    client, _ = colour.scripted(reply)
    assert [item.id for item in client.iter_assets()] == ids
