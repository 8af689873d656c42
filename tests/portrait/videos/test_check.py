"""What is known to be wrong of a video before it is sent: rules of the models, contract §7."""

import pytest

from portrait.errors import InvalidParameter, UsageError
from portrait.videos import Reference, VideoRequest
from portrait.videos.check import check_request

ASSET = "asset://asset-1"


def references(images=0, videos=0, audios=0, seconds=None):
    """So many of each kind."""
    kinds = (("reference_image", images), ("reference_video", videos), ("reference_audio", audios))
    return tuple(Reference(ASSET, role, seconds) for role, count in kinds for _ in range(count))


@pytest.mark.parametrize(
    ("model", "fields", "sentence"),
    [
        ("seedance-1.5-pro", {"references": references(1)}, "takes no asset:// addresses; seedance-2.0"),
        ("seedance-2.0", {"references": references(10)}, "at most 9 references of the kind Image, not 10"),
        ("seedance-2.0", {"references": references(1, 4)}, "at most 3 references of the kind Video, not 4"),
        ("seedance-2.0", {"references": references(1, 0, 4)}, "at most 3 references of the kind Audio, not 4"),
        ("seedance-2.0", {"references": references(0, 0, 1)}, "sound only beside"),
        ("seedance-2.0", {"references": references(0, 2, 0, 7.7)}, r"at most 15.2 s of Video in all, not 15.4 s"),
        ("seedance-2.0", {"references": references(1, 0, 2, 8.0)}, r"at most 15.2 s of Audio in all, not 16 s"),
        ("seedance-2.0", {"duration": 3}, "of 4 to 15 s or -1, not of 3 s"),
        ("seedance-2.0", {"duration": 16}, "not of 16 s"),
        ("seedance-1.5-pro", {"duration": 13}, "of 4 to 12 s, not of 13 s"),
        ("seedance-1.5-pro", {"duration": -1}, "not of -1 s"),
        ("seedance-2.5", {"duration": 31}, "not of 31 s"),
        ("seedance-2.5", {"references": (Reference(ASSET, "first_frame"),), "ratio": "16:9"}, "ratio adaptive only"),
        ("seedance-2.0", {"prompt": ""}, "a prompt, references, or both"),
    ],
)
def test_rules_of_the_models(model, fields, sentence):
    """Each with the sentence that says what is wrong."""
    request = VideoRequest(**{"model": model, "prompt": "p", **fields})
    with pytest.raises(InvalidParameter, match=sentence):
        check_request(request, "alltoken")


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        ("seedance-2.0", {"references": references(9, 3, 3)}),
        ("seedance-2.0", {"references": references(0, 2, 0, 7.6)}),
        ("seedance-2.0", {"duration": -1}),
        ("seedance-2.5", {"references": references(0, 0, 1)}),
        ("seedance-2.5", {"references": references(30, 10, 10)}),
        ("seedance-2.5", {"references": (Reference(ASSET, "first_frame"),), "ratio": "adaptive"}),
        ("seedance-1.5-pro", {"references": (Reference("https://cdn.example/a.jpg", "first_frame"),)}),
        ("seedance-9", {"references": references(99), "duration": 100}),
    ],
)
def test_what_is_allowed(model, fields):
    """The edges; and a model that is not known is left to the service."""
    check_request(VideoRequest(**{"model": model, "prompt": "p", **fields}), "alltoken")


def test_at_apimart_models_for_faces_take_no_assets():
    """And at xcompute they do: it is a property of the provider (contract §7, M)."""
    request = VideoRequest(model="doubao-seedance-2.0-face", prompt="p", references=references(1))
    check_request(request, "xcompute")
    with pytest.raises(InvalidParameter, match="takes no asset:// addresses"):
        check_request(request, "apimart")


def test_all_faults_are_named():
    """Not one at a time."""
    request = VideoRequest(model="seedance-1.5-pro", prompt="p", references=references(1), duration=99)
    with pytest.raises(InvalidParameter, match=r"takes no asset.*; .*not of 99 s"):
        check_request(request, "alltoken")


@pytest.mark.parametrize(
    ("address", "role"), [("group-1", "first_frame"), ("", "first_frame"), (ASSET, "hero"), (7, "first_frame")]
)
def test_a_reference_that_is_none(address, role):
    """Told where it is written."""
    with pytest.raises(UsageError):
        Reference(address, role)


def test_a_reference_says_what_it_is():
    """The kind by its role, the id of an asset without its scheme; a bare id becomes an address."""
    reference = Reference("asset-1", "reference_video")
    assert (reference.url, reference.kind, reference.asset_id) == ("asset://asset-1", "Video", "asset-1")
    assert Reference("ASSET://asset-1").asset_id == "asset-1"
    assert Reference("https://cdn.example/a.jpg").asset_id is None
