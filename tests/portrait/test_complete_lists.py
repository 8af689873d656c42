"""Lists that are read to decide what is not there: smaller pages, and items that vanish between two pages."""

import orjson
import pytest

from portrait import pagination
from portrait.ensure.groups import groups_named
from portrait.errors import BadResponse
from portrait.flow import Send
from portrait.retry import NO_RETRY
from tests.portrait.helpers import answer, asset, body, endpoint, good, play


class Service:
    """Assets in pages of at most `size`; after `delete_after` pages the first of them is deleted.

    `missing` are counted and never shown.
    """

    def __init__(self, total: int, size: int = 100, delete_after: int = 0, missing: int = 0) -> None:
        self.missing = missing
        self.ids = [f"asset-{n}" for n in range(total)]
        self.size, self.delete_after, self.pages = size, delete_after, 0

    def __call__(self, request):
        """Answer one ListAssets or ListAssetGroups."""
        fields = orjson.loads(request.body)
        size = min(fields["PageSize"], self.size)
        start = (fields["PageNumber"] - 1) * size
        items = [asset(each, Name="hosts") for each in self.ids[start : start + size]]
        result = {"Items": items, "PageNumber": fields["PageNumber"], "PageSize": size}
        result["TotalCount"] = len(self.ids) + self.missing
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
    return driven(pagination.list_complete(endpoint(), pagination.asset_pages(group_ids=["group-1"])), service)


@pytest.mark.parametrize("size", [100, 50, 7])
def test_a_service_with_smaller_pages_is_walked_to_the_end(size):
    """A page that is shorter than asked for is no end if it is as long as the service makes them."""
    assert len(walked(Service(130, size))) == 130


def test_what_is_deleted_meanwhile_hides_nothing():
    """The first of two pages loses an item: what moved forward is seen by reading again."""
    service = Service(130, delete_after=1)
    assert {item.id for item in walked(service)} >= set(service.ids)


class Moving(Service):
    """After each of the first `moves` pages the oldest asset is deleted and a new one created: the total stays."""

    def __init__(self, total, moves):
        super().__init__(total)
        self.moves = moves

    def __call__(self, request):
        """Answer, then move."""
        reply = super().__call__(request)
        if self.pages <= self.moves:
            del self.ids[0]
            self.ids.append(f"new-{self.pages}")
        return reply


@pytest.mark.parametrize("moves", [1, 2, 3])
def test_a_create_that_makes_up_for_a_delete_hides_nothing(moves):
    """once-pages: 142 assets; between two pages one is deleted and one created, so that the total says nothing."""
    service = Moving(142, moves)
    assert {item.id for item in walked(service)} >= set(service.ids[: 142 - moves])


@pytest.mark.parametrize("service", [Moving(142, 1000), Service(130, missing=3)], ids=["moves", "hides"])
def test_what_cannot_be_read_whole_is_an_error(service):
    """A list that changes all the time, or shows fewer items than it counts, says nothing about what is not there."""
    with pytest.raises(BadResponse, match="could not be read whole"):
        walked(service)
    assert service.pages <= 12


@pytest.mark.parametrize("result", [None, {}, {"TotalCount": 0}, {"Items": None}])
def test_a_page_without_items_is_not_an_empty_page(result):
    """once-null: it is no answer to what is there."""
    with pytest.raises(BadResponse):
        driven(groups_named(endpoint(policy=NO_RETRY), "hosts"), lambda _: answer(body(result)))


def test_groups_of_a_name_are_walked_alike():
    """Also where a service gives pages of 50."""
    assert len(driven(groups_named(endpoint(), "hosts"), Service(120, 50))) == 120


def test_a_walk_needs_no_total():
    """Without one, an empty page is the end; a short one is not, since gateways shorten pages."""
    items, end = good({"Items": [asset(f"asset-{n}") for n in range(3)]}), good({"Items": []})
    paginated = pagination.list_complete(endpoint(), pagination.asset_pages())
    played = play(paginated, items, end, items, end)
    assert len(played.result) == 3
    assert len(played.sent) == 4
