"""The link of a liveness check in a language of its page."""

import pytest

from portrait.errors import UsageError
from portrait.models import VisualValidateSession


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("https://h5.example/?bytedToken=a%2Fb&lng=zh", "https://h5.example/?bytedToken=a%2Fb&lng=en"),
        ("https://h5.example/?lng=zh&bytedToken=a", "https://h5.example/?bytedToken=a&lng=en"),
        ("https://h5.example/?lng=zh&x=1&lng=en", "https://h5.example/?x=1&lng=en"),
        ("https://h5.example/page", "https://h5.example/page?lng=en"),
        ("https://h5.example/?a=1#top", "https://h5.example/?a=1&lng=en#top"),
        ("https://h5.example/?lngx=1", "https://h5.example/?lngx=1&lng=en"),
    ],
)
def test_the_language_is_set_once(link, expected):
    """lang: another one is replaced, and everything else stays as it came."""
    assert VisualValidateSession(byted_token="t", h5_link=link).link("en") == expected


def test_a_language_that_there_is_not():
    """lang: a closed set."""
    with pytest.raises(UsageError, match="'fr'"):
        VisualValidateSession(byted_token="t", h5_link="https://h5.example/").link("fr")
