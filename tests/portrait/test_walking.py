"""Lists that are read to decide what is not there: smaller pages, and items that vanish between two pages."""

import orjson
import pytest

from portrait import pagination
from portrait.ensure.groups import groups_named
from portrait.flow import Send
from portrait.models import AssetFilter, ListAssetsRequest
from tests.portrait.support import asset, endpoint, good, play


class Service:
    """Assets in pages of at most `size`; after `delete_after` pages the first of them is deleted."""

    def __init__(self, total: int, size: int = 100, delete_after: int = 0) -> None:
        self.ids = [f"asset-{n}" for n in range(total)]
        self.size, self.delete_after, self.pages = size, delete_after, 0

    def __call__(self, request):
        """Answer one ListAssets or ListAssetGroups."""
        asked = orjson.loads(request.body)
        size = min(asked["PageSize"], self.size)
        start = (asked["PageNumber"] - 1) * size
        items = [asset(each, Name="hosts") for each in self.ids[start : start + size]]
        result = {"Items": items, "PageNumber": asked["PageNumber"], "PageSize": size, "TotalCount": len(self.ids)}
        self.pages += 1
        if self.pages == self.delete_after:
            del self.ids[0]
        return good(result)


def driven(flow, service):
    """The result of a flow whose requests a service answers."""
    step, answered = flow.send, None
    while True:
        try:
            effect = step(answered)
        except StopIteration as stop:
            return stop.value
        answered = service(effect.request) if isinstance(effect, Send) else None


def walked(service):
    """All assets of a service."""
    return driven(pagination.walk(endpoint(), lambda: pagination.assets(group_ids=["group-1"])), service)


@pytest.mark.parametrize("size", [100, 50, 7])
def test_a_service_with_smaller_pages_is_walked_to_the_end(size):
    """A page that is shorter than asked for is no end if it is as long as the service makes them."""
    assert len(walked(Service(130, size))) == 130


def test_what_is_deleted_meanwhile_hides_nothing():
    """The first of two pages loses an item: what moved forward is seen by walking again."""
    service = Service(130, delete_after=1)
    assert {item.id for item in walked(service)} >= set(service.ids)


def test_a_list_that_shrinks_all_the_time_is_given_up():
    """After some walks the best that is known is given: nobody walks for ever."""
    service = Service(130)
    original = service.__call__

    class Shrinking(Service):
        def __call__(self, request):
            reply = original(request)
            service.ids.pop(0)
            return reply

    assert walked(Shrinking(0))


def test_groups_of_a_name_are_walked_alike():
    """Also where a service gives pages of 50."""
    assert len(driven(groups_named(endpoint(), "hosts"), Service(120, 50))) == 120


def test_a_walk_needs_no_total():
    """Without one, the last page is told by its length."""
    request = ListAssetsRequest(filter=AssetFilter(), page_size=100)
    items = good({"Items": [asset(f"asset-{n}") for n in range(3)]})
    played = play(pagination.walk(endpoint(), lambda: pagination.Paginator(pagination.LIST_ASSETS, request)), items)
    assert len(played.result) == 3
    assert len(played.sent) == 1
