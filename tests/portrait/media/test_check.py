"""Limits and the faults that they make."""

from __future__ import annotations

import re
from math import nextafter

import pytest
from attrs import evolve, fields
from hypothesis import given
from hypothesis import strategies as st

from portrait.errors import UsageError
from portrait.media import LIMITS, MB, STAGES, Measurement, Range, Violation, limits_for, measure, validate
from portrait.models import AssetType
from tests import media_samples as samples

GOOD_IMAGE = Measurement(size=1000, format="jpeg", asset_type=AssetType.IMAGE, width=1000, height=1000)
GOOD_VIDEO = Measurement(
    size=1000,
    format="mp4",
    asset_type=AssetType.VIDEO,
    width=900,
    height=900,
    duration=5,
    fps=30,
    has_audio=True,
    has_video=True,
)
GOOD_AUDIO = Measurement(size=1000, format="mp3", asset_type=AssetType.AUDIO, duration=5, has_audio=True)
GOOD = {AssetType.IMAGE: GOOD_IMAGE, AssetType.VIDEO: GOOD_VIDEO, AssetType.AUDIO: GOOD_AUDIO}


def codes(measurement: Measurement, limits=None, declared: str | None = None) -> set[str]:
    """The codes of a measurement's faults, by the newest limits of CreateAsset unless told otherwise."""
    return {violation.code for violation in validate(measurement, limits or limits_for(), declared)}


# (what is measured, changes just inside, changes just outside, the code) — contract §5, each bound from both sides.
IMAGE, VIDEO, AUDIO = AssetType.IMAGE, AssetType.VIDEO, AssetType.AUDIO
BOUNDARIES = [
    (IMAGE, {"size": 30 * MB - 1}, {"size": 30 * MB}, "FileSizeTooLarge"),
    (VIDEO, {"size": 200 * MB}, {"size": 200 * MB + 1}, "FileSizeTooLarge"),
    (AUDIO, {"size": 15 * MB}, {"size": 15 * MB + 1}, "FileSizeTooLarge"),
    (IMAGE, {"width": 301}, {"width": 300}, "WidthTooSmall"),
    (IMAGE, {"height": 301, "width": 301}, {"height": 300, "width": 301}, "HeightTooSmall"),
    (IMAGE, {"width": 5999, "height": 5000}, {"width": 6000, "height": 5000}, "WidthTooLarge"),
    (IMAGE, {"height": 5999, "width": 5000}, {"height": 6000, "width": 5000}, "HeightTooLarge"),
    (IMAGE, {"width": 1001, "height": 2500}, {"width": 1000, "height": 2500}, "AspectRatioTooSmall"),
    (IMAGE, {"width": 2499, "height": 1000}, {"width": 2500, "height": 1000}, "AspectRatioTooLarge"),
    (VIDEO, {"width": 300, "height": 300}, {"width": 299, "height": 300}, "WidthTooSmall"),
    (VIDEO, {"width": 300, "height": 300}, {"width": 300, "height": 299}, "HeightTooSmall"),
    (VIDEO, {"width": 6000, "height": 6000}, {"width": 6001, "height": 6000}, "WidthTooLarge"),
    (VIDEO, {"width": 6000, "height": 6000}, {"width": 6000, "height": 6001}, "HeightTooLarge"),
    (VIDEO, {"width": 400, "height": 1000}, {"width": 399, "height": 1000}, "AspectRatioTooSmall"),
    (VIDEO, {"width": 2500, "height": 1000}, {"width": 2501, "height": 1000}, "AspectRatioTooLarge"),
    (VIDEO, {"width": 664, "height": 614}, {"width": 407_695, "height": 1}, "PixelCountTooSmall"),
    (VIDEO, {"width": 8_295_044 // 2, "height": 2}, {"width": 8_295_045, "height": 1}, "PixelCountTooLarge"),
    (VIDEO, {"duration": 1.8}, {"duration": nextafter(1.8, 0)}, "DurationTooShort"),
    (VIDEO, {"duration": 30.2}, {"duration": nextafter(30.2, 99)}, "DurationTooLong"),
    (AUDIO, {"duration": 1.8}, {"duration": nextafter(1.8, 0)}, "DurationTooShort"),
    (AUDIO, {"duration": 30.2}, {"duration": nextafter(30.2, 99)}, "DurationTooLong"),
    (VIDEO, {"fps": 23.8}, {"fps": nextafter(23.8, 0)}, "FpsTooLow"),
    (VIDEO, {"fps": 60.0}, {"fps": nextafter(60.0, 99)}, "FpsTooHigh"),
    (VIDEO, {"fps": 24000 / 1001}, {"fps": 0.0}, "FpsTooLow"),
    (VIDEO, {"duration": 1.917}, {"duration": 1.75}, "DurationTooShort"),
    (VIDEO, {"duration": 30.125}, {"duration": 30.25}, "DurationTooLong"),
    (AUDIO, {"has_audio": True}, {"has_audio": False}, "AudioTrackRequired"),
    (IMAGE, {"format": "heif"}, {"format": "avif"}, "FormatUnsupported"),
    (VIDEO, {"format": "mov"}, {"format": "webm"}, "FormatUnsupported"),
    (AUDIO, {"format": "wav"}, {"format": "flac"}, "FormatUnsupported"),
    (AUDIO, {"format": "wav"}, {"format": "mp4"}, "FormatUnsupported"),
    (IMAGE, {"problem": None}, {"problem": "it is cut off"}, "FormatUndetectable"),
]


@pytest.mark.parametrize(("kind", "inside", "outside", "code"), BOUNDARIES)
def test_boundaries(kind, inside, outside, code):
    """Each limit of contract §5 takes its last good value and refuses its first bad one."""
    assert code not in codes(evolve(GOOD[kind], **inside))
    assert code in codes(evolve(GOOD[kind], **outside))


@pytest.mark.parametrize(
    ("kind", "inside", "outside", "code"),
    [
        (VIDEO, {"size": 50 * MB}, {"size": 50 * MB + 1}, "FileSizeTooLarge"),
        (VIDEO, {"duration": 15.2}, {"duration": 15.3}, "DurationTooLong"),
        (AUDIO, {"duration": 15.2}, {"duration": 15.3}, "DurationTooLong"),
        (VIDEO, {"width": 640, "height": 640}, {"width": 409_599, "height": 1}, "PixelCountTooSmall"),
        (VIDEO, {"width": 927_408, "height": 1}, {"width": 927_409, "height": 1}, "PixelCountTooLarge"),
    ],
)
def test_boundaries_of_the_older_reading(kind, inside, outside, code):
    """The figures in brackets are a reading of their own; the newest one takes what they refuse."""
    older = limits_for(edition="older")
    assert code not in codes(evolve(GOOD[kind], **inside), older)
    assert code in codes(evolve(GOOD[kind], **outside), older)
    if "PixelCountTooSmall" not in code:
        assert code not in codes(evolve(GOOD[kind], **outside))


@pytest.mark.parametrize(
    ("kind", "inside", "outside", "code"),
    [
        (VIDEO, {"duration": 2}, {"duration": 1.917}, "DurationTooShort"),
        (AUDIO, {"duration": 30}, {"duration": 30.125}, "DurationTooLong"),
        (VIDEO, {"fps": 24}, {"fps": 24000 / 1001}, "FpsTooLow"),
    ],
)
def test_boundaries_as_printed(kind, inside, outside, code):
    """What the pages print is narrower than what the service does, and an edition of its own."""
    printed = limits_for(edition="printed")
    assert code not in codes(evolve(GOOD[kind], **inside), printed)
    assert code in codes(evolve(GOOD[kind], **outside), printed)
    assert code not in codes(evolve(GOOD[kind], **outside))


@pytest.mark.parametrize("kind", [VIDEO, AUDIO])
@pytest.mark.parametrize(
    ("tier", "edition", "longest"),
    [
        ("2.0", "newest", 15.2),
        ("2.5", "newest", 30.2),
        ("2.0", "printed", 15),
        ("2.5", "printed", 30),
        (None, "newest", 30.2),
    ],
)
def test_boundaries_of_model_tiers(kind, tier, edition, longest):
    """At apimart the model decides how long a clip may be; nothing else about it changes."""
    limits = limits_for("apimart", tier=tier, edition=edition)
    assert codes(evolve(GOOD[kind], duration=longest), limits) == set()
    assert codes(evolve(GOOD[kind], duration=longest + 0.1), limits) == {"DurationTooLong"}
    assert limits[IMAGE] == limits_for("apimart", edition=edition)[IMAGE]
    with pytest.raises(UsageError, match=r"alltoken/CreateAsset/newest and models 2.0; .* models apimart/2.0"):
        limits_for("alltoken", tier="2.0")


def test_upload_limits():
    """AllToken's upload takes three image formats up to 10 MB, and nothing else."""
    endpoint = limits_for(endpoint="upload")
    for format_name in ("jpeg", "png", "webp"):
        assert codes(evolve(GOOD_IMAGE, format=format_name, size=10 * MB), endpoint) == set()
    assert codes(evolve(GOOD_IMAGE, size=10 * MB + 1), endpoint) == {"FileSizeTooLarge"}
    assert codes(evolve(GOOD_IMAGE, format="gif"), endpoint) == {"FormatUnsupported"}
    assert codes(GOOD_VIDEO, endpoint) == {"FormatUnsupported"}
    assert (
        validate(GOOD_VIDEO, endpoint)[0].message == "Format mp4 is not supported; it must be one of jpeg, png, webp."
    )


@pytest.mark.parametrize("key", LIMITS)
def test_a_good_file_has_no_faults(key):
    """A file within the limits passes at every provider, endpoint and edition."""
    limits = LIMITS[key]
    for kind in limits:
        assert validate(GOOD[kind], limits, kind) == ()


def test_providers_without_an_upload():
    """Asking for limits that nobody publishes is an error of the caller, which names the known ones."""
    with pytest.raises(UsageError, match="alltoken/upload/newest"):
        limits_for("volcengine", endpoint="upload")
    with pytest.raises(UsageError, match="acme/CreateAsset/newest"):
        limits_for("acme")


@pytest.mark.parametrize("provider", ["alltoken", "volcengine", "byteplus", "xcompute", "apimart", "gccai"])
@pytest.mark.parametrize("edition", ["newest", "older"])
def test_every_provider_of_the_contract_has_limits(provider, edition):
    """All of contract §1 is there, with all three types."""
    assert set(limits_for(provider, edition=edition)) == set(AssetType)


def test_all_faults_at_once():
    """Everything that is wrong is said in one go, in the order of the rules."""
    bad = Measurement(size=40 * MB, format="avif", asset_type=AssetType.IMAGE, width=100, height=7000)
    assert [violation.code for violation in validate(bad, limits_for(), "Video")] == [
        "TypeMismatch",
        "FormatUnsupported",
        "FileSizeTooLarge",
        "WidthTooSmall",
        "HeightTooLarge",
        "AspectRatioTooSmall",
    ]


TURNED = evolve(GOOD_IMAGE, rotated=True)


@pytest.mark.parametrize(
    ("measurement", "rule", "found"),
    [
        (evolve(GOOD_IMAGE, width=300, height=400), "Width must be between 300px and 6000px.", "300px"),
        (evolve(GOOD_IMAGE, width=400, height=300), "Height must be between 300px and 6000px.", "300px"),
        (evolve(TURNED, width=200, height=400), "Width must be between 300px and 6000px.", "200px after rotation"),
        (evolve(TURNED, width=400, height=200), "Height must be between 300px and 6000px.", "200px after rotation"),
        (evolve(TURNED, width=2500), "Aspect ratio must be between 0.4 and 2.5.", "2.5 after rotation"),
        (evolve(TURNED, size=31 * MB), "File size must be less than 30MB.", "31MB"),
        (evolve(GOOD_IMAGE, size=30 * MB), "File size must be less than 30MB.", "30MB"),
        (evolve(GOOD_VIDEO, size=201 * MB), "File size must be at most 200MB.", "201MB"),
        (evolve(GOOD_IMAGE, width=2600), "Aspect ratio must be between 0.4 and 2.5.", "2.6"),
        (evolve(GOOD_VIDEO, duration=1), "Duration must be between 1.8s and 30.2s.", "1s"),
        (evolve(GOOD_VIDEO, duration=30.2064), "Duration must be between 1.8s and 30.2s.", "30.2064s"),
        (evolve(GOOD_VIDEO, fps=12.5), "Frame rate must be between 23.8fps and 60fps.", "12.5fps"),
        (evolve(GOOD_VIDEO, width=500, height=500), "Pixel count must be between 407696 and 8295044.", "250000"),
        (evolve(GOOD_AUDIO, has_audio=False), "An audio track is required.", ""),
        (measure(samples.HTML), "The media format could not be detected: the file is an HTML page.", ""),
    ],
)
def test_messages(measurement, rule, found):
    """The rule is the service's own sentence; the message adds what was found, and that it is so after rotation."""
    (violation,) = validate(measurement, limits_for())
    assert (violation.rule, violation.found) == (rule, found)
    assert violation.message == (f"{rule[:-1]}; it is {found}." if found else rule)


@pytest.mark.parametrize("declared", [None, "Image", AssetType.IMAGE])
def test_the_right_declaration_is_no_fault(declared):
    """A declared type may be the enum or its text, and is optional."""
    assert validate(GOOD_IMAGE, limits_for(), declared) == ()


def test_declared_type_counts_for_what_is_no_media():
    """A huge file of no format is also too large for what it was declared as."""
    huge = Measurement(size=300 * MB, problem="the file is text")
    assert codes(huge) == {"FormatUndetectable"}
    assert codes(huge, declared="Video") == {"FormatUndetectable", "FileSizeTooLarge"}


# Real files: what each of them is refused for.
FILES = {
    "too small": (lambda: samples.image("jpeg", 200, 200), None, {"WidthTooSmall", "HeightTooSmall"}),
    "too wide": (lambda: samples.image("png", 6100, 400), None, {"WidthTooLarge", "AspectRatioTooLarge"}),
    "too high": (lambda: samples.image("png", 400, 6100), None, {"HeightTooLarge", "AspectRatioTooSmall"}),
    "phone photo": (lambda: samples.image("jpeg", 4000, 3000, orientation=6), None, set()),
    "turned out of the ratio": (lambda: samples.image("jpeg", 1200, 480, orientation=6), None, {"AspectRatioTooSmall"}),
    "cut off": (lambda: samples.cut_off(samples.image()), None, {"FormatUndetectable"}),
    "empty": (lambda: b"", None, {"FormatUndetectable"}),
    "text named .jpg": (lambda: samples.TEXT, "Image", {"FormatUndetectable"}),
    "an Ogg": (lambda: b"OggS" + bytes(60), "Audio", {"FormatUnsupported"}),
    "image sent as video": (samples.image, "Video", {"TypeMismatch"}),
    "video sent as image": (samples.video, "Image", {"TypeMismatch"}),
    "mp4 without picture": (lambda: samples.video(picture=False), "Video", {"TypeMismatch", "FormatUnsupported"}),
    "slow": (lambda: samples.video(fps=12), None, {"FpsTooLow"}),
    "fast": (lambda: samples.video(fps=100), None, {"FpsTooHigh"}),
    "short video": (lambda: samples.video(seconds=1), None, {"DurationTooShort"}),
    "long video": (lambda: samples.video(seconds=31), None, {"DurationTooLong"}),
    "small video": (lambda: samples.video(width=400, height=400), None, {"PixelCountTooSmall"}),
    "large video": (
        lambda: samples.video(width=3840, height=2176, seconds=0.5),
        None,
        {"PixelCountTooLarge", "DurationTooShort"},
    ),
    "long sound": (lambda: samples.audio("mp3", seconds=31), None, {"DurationTooLong"}),
    "short sound": (lambda: samples.audio("wav", seconds=1), None, {"DurationTooShort"}),
    "heavy sound": (
        lambda: samples.audio("wav", seconds=100, rate=96000),
        None,
        {"DurationTooLong", "FileSizeTooLarge"},
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_real_files(name):
    """From the bytes of a real file to the codes of its faults."""
    make, declared, expected = FILES[name]
    assert codes(measure(make()), declared=declared) == expected


def test_audio_track_forbidden():
    """The rule exists as data, though no provider publishes it (contract §3 has the code)."""
    video = evolve(limits_for()[AssetType.VIDEO], audio_track="forbidden")
    limits = {AssetType.VIDEO: video}
    assert codes(GOOD_VIDEO, limits) == {"AudioTrackForbidden"}
    assert codes(evolve(GOOD_VIDEO, has_audio=False), limits) == set()
    assert all(held.audio_track != "forbidden" for known in LIMITS.values() for held in known.values())


def test_every_code_has_a_stage_and_a_case():
    """The codes of contract §3 are closed: a measurement produces those above, a review the rest."""
    contract = [
        "DownloadFailed",
        "TypeMismatch",
        "FormatUnsupported",
        "FormatUndetectable",
        "DurationTooShort",
        "DurationTooLong",
        "WidthTooSmall",
        "HeightTooSmall",
        "WidthTooLarge",
        "HeightTooLarge",
        "AspectRatioTooSmall",
        "AspectRatioTooLarge",
        "FileSizeTooLarge",
        "PixelCountTooSmall",
        "PixelCountTooLarge",
        "FpsTooLow",
        "FpsTooHigh",
        "AudioTrackRequired",
        "AudioTrackForbidden",
        "ContentRestricted",
        "InputTextSensitiveContentDetected",
        "InputImageSensitiveContentDetected",
        "InputVideoSensitiveContentDetected",
        "InputAudioSensitiveContentDetected",
        "FaceMismatch",
        "TranscodingFailed",
        "InternalError",
        "ModerationServiceErrorUploadFailed",
        "UnsupportedImageFormat",
    ]
    assert set(STAGES) == set(contract)
    produced = {code for *_, code in BOUNDARIES} | {"TypeMismatch", "AudioTrackForbidden"}
    # A download is not a measurement: whoever fetches reports it. The other is FormatUnsupported by another name.
    elsewhere = {"DownloadFailed", "UnsupportedImageFormat"}
    assert produced == {code for code, stage in STAGES.items() if stage == "create"} - elsewhere


MEASUREMENTS = st.builds(
    Measurement,
    size=st.integers(0, 300 * MB),
    format=st.sampled_from(["jpeg", "mp4", "mp3", "avif"]),
    asset_type=st.sampled_from(AssetType),
    width=st.integers(1, 9000),
    height=st.integers(1, 9000),
    duration=st.floats(0, 100),
    fps=st.floats(0, 120),
    has_audio=st.booleans(),
    has_video=st.booleans(),
    problem=st.sampled_from([None, "it is cut off"]),
)
WORSE = {
    "size": "FileSizeTooLarge",
    "duration": "DurationTooLong",
    "fps": "FpsTooHigh",
    "width": "WidthTooLarge",
    "height": "HeightTooLarge",
}


@given(MEASUREMENTS, st.sampled_from(sorted(WORSE)), st.integers(0, 10_000))
def test_faults_are_monotone(measurement, name, more):
    """What is too large stays too large when it grows, and what is unrelated to the change stays as it was."""
    grown = evolve(measurement, **{name: getattr(measurement, name) + more})
    before, after = codes(measurement), codes(grown)
    assert WORSE[name] not in before or WORSE[name] in after
    related = re.compile(
        {"width": "Width|Ratio|Pixel", "height": "Height|Ratio|Pixel", "size": "FileSize"}.get(name, name),
        re.IGNORECASE,
    )
    assert {code for code in before if not related.search(code)} == {code for code in after if not related.search(code)}


@given(MEASUREMENTS, st.sampled_from([None, *AssetType]))
def test_faults_are_known_unique_and_add_up(measurement, declared):
    """Each fault is in the contract and is said once; a declaration adds TypeMismatch; older limits refuse more."""
    found = validate(measurement, limits_for(), declared)
    assert {violation.code for violation in found} <= {code for code, stage in STAGES.items() if stage == "create"}
    assert len({violation.code for violation in found}) == len(found)
    assert codes(measurement, declared=declared) - codes(measurement) <= {"TypeMismatch"}
    assert codes(measurement) <= codes(measurement, limits_for(edition="older"))


@given(st.floats(-10, 10), st.floats(-10, 10), st.floats(-10, 10), st.booleans())
def test_a_range_has_an_inside_and_two_outsides(low, high, value, strict):
    """A value is below, above or within, and the ends belong to the range only if it is not strict."""
    limit = Range(low=min(low, high), high=max(low, high), strict=strict)

    def found(duration, limit=limit):
        limits = evolve(limits_for()[AUDIO], duration=limit)
        return codes(evolve(GOOD_AUDIO, duration=duration), {AUDIO: limits})

    if not found(value):
        assert limit.low <= value <= limit.high
        assert not strict or value not in {limit.low, limit.high}
    assert not found(value, Range())
    assert ("DurationTooShort" in found(limit.low)) is strict
    assert bool(found(limit.high)) is strict


def test_values_are_frozen():
    """Neither a fault nor a table can be changed by accident."""
    with pytest.raises(AttributeError):
        Violation("a", "b").code = "c"
    with pytest.raises(TypeError):
        LIMITS["x"] = {}
    with pytest.raises(TypeError):
        limits_for()[AssetType.IMAGE] = None
    assert all(field.type for field in fields(Measurement))
