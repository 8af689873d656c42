"""Values of video generation: what goes in (`VideoRequest` with `Reference`s) and what comes out (`Video`).

Each provider has a shape of its own for them (`portrait.videos.shapes`); these are the same for all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Literal

from attrs import field, frozen

from portrait.arguments import NONE, TEXT, check_arguments, either, number, one_of
from portrait.codes import BY_WORD, api_error
from portrait.enums import AssetType, VideoStatus
from portrait.errors import ApiError, OutcomeError, PortraitError, UsageError
from portrait.models import Response
from portrait.uri import asset_uri
from portrait.video_models import AUDIO_ROLES, IMAGE_ROLES, VIDEO_ROLES

RoleName = Literal["first_frame", "last_frame", "reference_image", "reference_video", "reference_audio"]

_KINDS: Mapping[str, AssetType] = {
    **dict.fromkeys(IMAGE_ROLES, AssetType.IMAGE),
    **dict.fromkeys(VIDEO_ROLES, AssetType.VIDEO),
    **dict.fromkeys(AUDIO_ROLES, AssetType.AUDIO),
}


def _to_address(value: Any) -> str:
    """An address as given; an asset's bare id becomes its `asset://` address."""
    if not isinstance(value, str):
        raise UsageError(f"A reference is an address, not a {type(value).__name__}.")
    return value if "://" in value or value.startswith("data:") else asset_uri(value)


def _check_role(_: Any, __: Any, role: str) -> None:
    if role not in _KINDS:
        raise UsageError(f"There is no role {role!r}.", advice=f"Roles: {', '.join(_KINDS)}.")


@frozen
class Reference:
    """A picture, video or sound that a video is made from. Contract §7.

    Attributes:
        url: `asset://<id>`, an asset's id, or a public http(s) address.
        role: What it is for: `first_frame`, `last_frame`, `reference_image`, `reference_video` or `reference_audio`.
        seconds: The length of a video or sound, where it is known: the service does not tell it, and limits the sum.

    Raises:
        UsageError: The address or the role is none.
    """

    url: str = field(converter=_to_address)
    role: RoleName = field(default="reference_image", validator=_check_role)
    seconds: float | None = None

    @property
    def kind(self) -> AssetType:
        """The type of file that the role takes: an image, a video or a sound."""
        return _KINDS[self.role]

    @property
    def asset_id(self) -> str | None:
        """The id in an `asset://` address; None for any other."""
        scheme, _, rest = self.url.partition("://")
        return rest if scheme.lower() == "asset" else None


@frozen(kw_only=True)
class VideoFailure:
    """Why a video failed.

    Attributes:
        code: The provider's code, such as `InvalidParameter`; "" if it gave none.
        message: Its sentence.
    """

    code: str = ""
    message: str = ""


_REQUEST = {
    **dict.fromkeys(("model", "prompt"), TEXT),
    **dict.fromkeys(("resolution", "ratio", "callback_url"), either(TEXT, NONE)),
    "duration": either(number("a whole number of seconds", int), NONE),
    "extra": one_of("a mapping", Mapping),
}


def _to_references(values: Iterable[Reference | str]) -> tuple[Reference, ...]:
    check_arguments({"references": one_of("several references", Iterable)}, {"references": values})
    return tuple(each if isinstance(each, Reference) else Reference(each) for each in values)


@frozen(kw_only=True)
class VideoRequest:
    """The request of a video.

    Attributes:
        model: The provider's name of the model, such as `seedance-2.0`.
        prompt: What is to be seen; "" where references say enough.
        references: What it is made from.
        duration: Seconds; -1 leaves it to the model; None is the provider's default, 5.
        resolution: Such as `720p`; None is the provider's default, which is sent where providers differ in it.
        ratio: Such as `16:9` or `adaptive`; None is the provider's default.
        callback_url: Where the provider is to report changes: a hint that is to be confirmed by `get`.
        extra: Further fields of the provider's, which go out as given.
    """

    model: str
    prompt: str = ""
    references: tuple[Reference, ...] = field(default=(), converter=_to_references)
    duration: int | None = None
    resolution: str | None = None
    ratio: str | None = None
    callback_url: str | None = None
    extra: Mapping[str, Any] = field(default=MappingProxyType({}))

    def __attrs_post_init__(self) -> None:
        check_arguments(_REQUEST, {name: getattr(self, name) for name in _REQUEST})


@frozen(kw_only=True)
class Video:
    """One video, as it was last read.

    Attributes:
        id: The provider's id of it.
        status: How far it is.
        model: The model that makes it; "" where the provider does not say.
        progress: Percent; None where the provider does not say.
        url: Where the result is, once there is one; it dies 24 hours later. Keep it to yourself: it is signed.
        last_frame_url: Where its last frame is, if it was asked for.
        created: Seconds since 1970; None where the provider does not say.
        expires: Seconds since 1970 at which `url` dies; None where the provider does not say.
        tokens: Tokens that were used; None while it is not known.
        cost: US dollars; None where the provider does not say.
        credits: The provider's own units of account, likewise.
        failure: Why it failed; None unless it did.
        response: The answer it was read from.
    """

    id: str
    status: VideoStatus
    model: str = ""
    progress: int | None = None
    url: str | None = field(default=None, repr=False)
    last_frame_url: str | None = field(default=None, repr=False)
    created: float | None = None
    expires: float | None = None
    tokens: int | None = None
    cost: float | None = None
    credits: float | None = None
    failure: VideoFailure | None = None
    response: Response = field(factory=Response, eq=False, repr=False)

    def error(self) -> PortraitError | None:
        """The error that a final status stands for; None for a video that succeeded or is still being made.

        A failed one is the same class of `ApiError` that the create would have raised for the same fault: assets may be
        found dead before or after a video is accepted (contract §7).
        """
        if self.status is VideoStatus.FAILED:
            return self._failure_error()
        if self.status in {VideoStatus.CANCELLED, VideoStatus.EXPIRED}:
            return OutcomeError(f"The video {self.id} is {self.status}.", advice="Create it again, if it is wanted.")
        return None

    def check(self) -> None:
        """Do nothing unless the video ended without a result.

        Raises:
            ApiError: It failed; the class says why, as it would for a create that is refused.
            OutcomeError: It was cancelled, or the provider gave up waiting for it.
        """
        if (error := self.error()) is not None:
            raise error

    def _failure_error(self) -> ApiError:
        failure = self.failure or VideoFailure()
        error = api_error(
            failure.code,
            failure.message or f"The video {self.id} failed, and the provider does not say why.",
            http_status=400,
            rule=BY_WORD.get(failure.code),
            action="CreateVideo",
            request_id=self.response.request_id,
            response=self.response.body,
        )
        error.may_have_executed = False
        return error


@frozen(kw_only=True)
class VideoPage:
    """One page of a list of videos.

    Attributes:
        items: The videos, newest first.
        total: How many there are in all.
        response: The answer it was read from.
    """

    items: tuple[Video, ...]
    total: int
    response: Response = field(factory=Response, eq=False, repr=False)
