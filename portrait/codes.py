"""What the service's codes mean: which error each one becomes (contract §4).

A code that is not listed falls to the nearest family, then to a known code in its message, then to words of a rate in
it, then to its HTTP status.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from portrait.errors import (
    DOWNLOAD_ADVICE,
    AccountError,
    AIGCNotAvailable,
    ApiError,
    AuthError,
    Forbidden,
    InvalidParameter,
    InvalidRequest,
    InvalidToken,
    MediaRejected,
    MissingParameter,
    NotFound,
    QuotaExceeded,
    Retry,
    ServerError,
    SubscriptionRequired,
    Throttled,
    TokenExpired,
    ValidatePending,
)


@frozen
class ErrorRule:
    """What a code of the service means: the class that is raised, and where it differs from its class, what it says."""

    error: type[ApiError]
    retry: Retry | None = None
    advice: str | None = None


# Why a file is refused at once or fails its review. Contract §3, "Failed codes" (M).
MEDIA_CODES: frozenset[str] = frozenset(
    {
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
    }
)

_PASSING = "The fault lay with the service: try again with the same file."
_MODEL = "Use a model that this provider has."
_BALANCE = "Top up the account's balance."
_CONTENT = "Use another file: the review does not allow what this one shows."
# Where "use a file within the limits" does not fit.
_MEDIA_ADVICE: Mapping[str, str] = {
    "DownloadFailed": DOWNLOAD_ADVICE,
    "InternalError": _PASSING,
    "ModerationServiceErrorUploadFailed": _PASSING,
    "ContentRestricted": _CONTENT,
    "InputTextSensitiveContentDetected": _CONTENT,
    "InputImageSensitiveContentDetected": _CONTENT,
    "InputVideoSensitiveContentDetected": _CONTENT,
    "InputAudioSensitiveContentDetected": _CONTENT,
    "FaceMismatch": "Use a file that shows the person who was validated.",
}

# Contract §4, both tables and the front gateway's list (D, M). Longest known prefix wins.
CODES: Mapping[str, ErrorRule] = {
    "InvalidParameter": ErrorRule(InvalidParameter),
    **{
        f"InvalidParameter.{code}": ErrorRule(MediaRejected, advice=_MEDIA_ADVICE.get(code))
        for code in sorted(MEDIA_CODES)
    },
    "MissingParameter": ErrorRule(MissingParameter),
    "MissingParameter.Action": ErrorRule(MissingParameter),
    "InvalidActionOrVersion": ErrorRule(InvalidRequest, advice="Check the Action's name; Version is 2024-01-01."),
    "AIGCNotAvailable": ErrorRule(AIGCNotAvailable),
    "SubscriptionRequired": ErrorRule(SubscriptionRequired),
    "ValidatePending": ErrorRule(ValidatePending),
    "InvalidToken": ErrorRule(InvalidToken),
    "TokenExpired": ErrorRule(TokenExpired),
    "QuotaExceeded": ErrorRule(QuotaExceeded),
    "QuotaSharedPoolExceeded": ErrorRule(QuotaExceeded),
    "Forbidden": ErrorRule(Forbidden),
    "NotFound": ErrorRule(NotFound),
    # A wrong value of a field, and no answer to whether the id beside it exists.
    "NotFound.ProjectName": ErrorRule(InvalidParameter, advice="Use a project that exists; names are case-sensitive."),
    # The same of a model. The vendor's table of error codes (volcengine.com/docs/82379/1299023, D).
    "NotFound.model": ErrorRule(InvalidParameter, advice=_MODEL),
    "InvalidEndpointOrModel": ErrorRule(InvalidParameter, advice=_MODEL),
    "ModelNotOpen": ErrorRule(AccountError, advice="Activate the model in the provider's console."),
    "RateLimitExceeded": ErrorRule(Throttled),
    "QuotaWriteQPMExceeded": ErrorRule(Throttled),
    "AccountFlowLimitExceeded": ErrorRule(Throttled),
    "FlowLimitExceeded": ErrorRule(Throttled),
    "RequestLimitExceeded": ErrorRule(Throttled),
    "Throttling": ErrorRule(Throttled),
    "AccountOverdueError": ErrorRule(AccountError, advice=_BALANCE),
    "UpstreamUnavailable": ErrorRule(ServerError),
    "InternalError": ErrorRule(ServerError),
    "ServiceUnavailable": ErrorRule(ServerError),
    "Unauthorized": ErrorRule(AuthError),
    "MissingAuthenticationToken": ErrorRule(AuthError),
    "MissingRequestInfo": ErrorRule(InvalidRequest),
    "MissingSignature": ErrorRule(AuthError),
    "InvalidAuthorization": ErrorRule(AuthError, advice="Something between here and the service changes headers."),
    "InvalidCredential": ErrorRule(AuthError, advice="Check that the provider's region is the one of the base URL."),
    "InvalidTimestamp": ErrorRule(AuthError, advice="Set this machine's clock: a signature lives 15 minutes."),
    "ServiceNotFound": ErrorRule(InvalidRequest, advice="Check the base URL, the region and the service."),
    "InvalidAccessKey": ErrorRule(AuthError, advice="Check the access key, and that it is this provider's."),
    "SignatureDoesNotMatch": ErrorRule(AuthError, advice="Check the secret key."),
    "LackPolicy": ErrorRule(AuthError, advice="Give the key's user a policy that allows this Action."),
    "AccessDenied": ErrorRule(AuthError, advice="Give the key's user a policy that allows this Action."),
    "InvalidSecretToken": ErrorRule(AuthError, advice="Renew the temporary credentials."),
    # Contract §7: a video's reference that shows somebody, or says something, that is not allowed (M).
    "InputTextSensitiveContentDetected": ErrorRule(MediaRejected, advice=_CONTENT),
    "InputImageSensitiveContentDetected": ErrorRule(MediaRejected, advice=_CONTENT),
    "InputVideoSensitiveContentDetected": ErrorRule(MediaRejected, advice=_CONTENT),
    "InputAudioSensitiveContentDetected": ErrorRule(MediaRejected, advice=_CONTENT),
}

PASSED = 10000
"""The only `resultCode` of the validation's page that is a pass (contract §3)."""

# What the page's `resultCode` means: of its front, and of its server. Contract §3 (D); that Ark passes them on is (I).
SCAN_CODES: Mapping[int, str] = {
    PASSED: "passed",
    40001: "the browser has no WebRTC",
    40002: "the camera was not permitted",
    **dict.fromkeys((40003, 40004, 40005, 40006, 40007, 40009, 40010, 40011), "the device's camera did not work"),
    40008: "the device has no camera",
    41000: "the check was not finished",
    41002: "no face was seen in time",
    41003: "the action was not done in time",
    41006: "a wrong action was done",
    41007: "no living person was recognized",
    41008: "the face changed during the check",
    41009: "the picture was too poor",
    **dict.fromkeys(
        (*range(50200, 50216), 50400, 50402, 50429, 50500, 50501), "the page's server did not finish the check"
    ),
}
# What its `algorithmBaseRespCode` means; 201xxx stands for no face. Contract §3 (D).
SCAN_SUB_CODES: Mapping[int, str] = {
    0: "the same person",
    210306: "several faces were seen",
    210311: "another person was seen",
    210312: "the action was not passed",
}


def scan_meaning(code: int | None, sub_code: int | None) -> str:
    """What the two codes of a validation's page mean, in a few words; "" where they are not known."""
    if code != PASSED or sub_code == 0:
        return SCAN_CODES.get(code, "") if code is not None else ""
    if sub_code is None:
        return ""
    return "no face was seen" if 201000 <= sub_code <= 201999 else SCAN_SUB_CODES.get(sub_code, "")


UNANSWERED = (408, 499)
"""HTTP statuses below 500 that say nothing of what was done: RFC 9110 §15.5.9, and nginx's "client closed request"."""

# What an unlisted code, or none, means by HTTP status. An unknown code with 429 is read as throttled, never as full:
# that mistake costs a pause, the other one costs somebody's assets.
BY_STATUS: Mapping[int, ErrorRule] = {
    400: ErrorRule(InvalidRequest),
    401: ErrorRule(AuthError),
    402: ErrorRule(AccountError, advice=_BALANCE),
    403: ErrorRule(AuthError),
    404: ErrorRule(NotFound),
    405: ErrorRule(InvalidRequest),
    # A proxy gave up waiting, or says that somebody did: the call may have arrived.
    **dict.fromkeys(UNANSWERED, ErrorRule(ServerError)),
    409: ErrorRule(InvalidRequest, advice="Something is in the way: a group that has assets, or work that has ended."),
    413: ErrorRule(InvalidRequest, advice="Send less: a JSON body may have 1 MB, an uploaded file 10 MB."),
    415: ErrorRule(InvalidRequest),
    422: ErrorRule(InvalidRequest),
    429: ErrorRule(Throttled),
}


# The `type` of the `{"error"}` form, which says what was meant where a proxy has changed the status. Contract §4, §8.
BY_TYPE: Mapping[str, ErrorRule] = {
    "invalid_request_error": BY_STATUS[400],
    "authentication_error": BY_STATUS[401],
    "payment_required": BY_STATUS[402],
    "rate_limit_error": BY_STATUS[429],
    "server_error": ErrorRule(ServerError),
}


# Full is of groups and assets: nothing that is deleted makes room for a video.
OF_VIDEOS: Mapping[str, ErrorRule] = dict.fromkeys(
    ("QuotaExceeded", "QuotaSharedPoolExceeded"),
    ErrorRule(AccountError, advice="Look at the account's plan: what it allows of videos is used up."),
)

# The codes of video generation in the `{"error"}` form; a known code in the message says more. Contract §7 (D).
BY_WORD: Mapping[str, ErrorRule] = {
    "invalid_request": ErrorRule(InvalidRequest),
    "upstream_invalid_parameter": ErrorRule(InvalidParameter),
    "upstream_content_violation": ErrorRule(MediaRejected, advice=_CONTENT),
    "nsfw_content_detected": ErrorRule(MediaRejected, advice=_CONTENT),
    "upstream_model_not_found": ErrorRule(InvalidParameter, advice=_MODEL),
    "upstream_error": ErrorRule(ServerError),
    # Of new-api, of which gateways are made (I).
    "model_not_found": ErrorRule(InvalidParameter, advice=_MODEL),
    "insufficient_user_quota": ErrorRule(AccountError, advice=_BALANCE),
}

# Ark's sentence about a parameter, which a gateway passes on under a code of its own. Contract §7 (M).
_BAD_PARAMETER, _IN_PARAMETER = "specified in the request is not valid", ErrorRule(InvalidParameter)

_THROTTLED = BY_STATUS[429]
# Words of a rate in a code: `QuotaReadQPMExceeded`, `too_many_requests`. Services invent further ones.
_RATE = re.compile(r"\b(?:qp[dms]|rp[dms]|tp[dms]|(?:rate|flow|request) limit|too many requests|throttl\w*)\b")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_WORD = re.compile(r"[A-Za-z]+(?:\.\w+){0,7}")
_SEARCHED = 2000  # characters of a text
_LONGEST = 200  # characters of a code that are read


def rule_for(code: str, http_status: int) -> tuple[ErrorRule, str]:
    """The rule for a code by its longest known prefix, however it is spelt, and the detail that follows the prefix."""
    rule, detail = _by_prefix(code)
    if rule is None:
        rule, detail = _by_prefix(code, _BY_SPELLING)
    is_new = rule is None or (rule.error is QuotaExceeded and code not in CODES)
    if is_new and (http_status == 429 or _names_rate(code)):  # AllToken says every code with HTTP 200
        return _THROTTLED, detail
    if rule is not None:
        return rule, detail
    if http_status >= 500:
        return ErrorRule(ServerError), ""
    return BY_STATUS.get(http_status, ErrorRule(ApiError)), ""


_BY_SPELLING: Mapping[str, ErrorRule] = {code.lower(): rule for code, rule in CODES.items()}


def _names_rate(code: str) -> bool:
    """Does a code have words of a rate?"""
    return _RATE.search(" ".join(_PART.findall(code[:_LONGEST])).lower()) is not None


def _by_prefix(code: str, rules: Mapping[str, ErrorRule] = CODES) -> tuple[ErrorRule | None, str]:
    head, tail = code[:_LONGEST], ""
    while head:
        rule = rules.get(head if rules is CODES else head.lower())
        if rule is not None:
            # `InvalidParameter.WidthTooSmall` is listed whole; its fault is still the last word.
            return rule, tail or head.rpartition(".")[2] * ("." in head)
        head, _, last = head.rpartition(".")
        tail = f"{last}.{tail}".rstrip(".")
    return None, ""


def code_within(text: str) -> str:
    """The first known code inside of a sentence, "" if there is none. Contract §1, *Envelope* (M).

    A throttle's code is recognized as a bare word. Any other one needs brackets (`[NotFound]`) or a detail
    (`NotFound.group_id`), since sentences use such words too. "Full" is never read out of a sentence: a wrong one costs
    somebody's assets.
    """
    for match in _WORD.finditer(text[:_SEARCHED]):
        for code in _tails(match[0]):
            rule, _ = _by_prefix(code)
            if rule is None or rule.error is QuotaExceeded:
                continue
            if rule.error is Throttled or "." in code or text[match.start() - 1 : match.end() + 1] == f"[{code}]":
                return code
    return ""


_MEDIA_BY_SPELLING: Mapping[str, str] = {code.lower(): code for code in MEDIA_CODES}


def media_code(text: str) -> str:
    """The first code of a failed review inside of a text, with its detail; "" if there is none. Contract §3 (M).

    `[FaceMismatch] …` and `upstream: FaceMismatch.Score: …` have one, in any spelling.
    """
    for match in _WORD.finditer(text[:_SEARCHED]):
        for tail in _tails(match[0]):
            family, dot, detail = tail.partition(".")
            if family.lower() in _MEDIA_BY_SPELLING:
                return f"{_MEDIA_BY_SPELLING[family.lower()]}{dot}{detail}"
    return ""


def failure_code(code: str, message: str) -> str:
    """The code of a failed review: its own, or one in the message where that is none of a review (contract §3, M).

    Args:
        code: As it came; gateways write `task_failed`.
        message: What stands beside it.
    """
    own = media_code(code)
    return code if own and own in code else own or media_code(message) or code


def _tails(code: str) -> list[str]:
    """`A.B.C`, `B.C`, `C`: the code without what gateways put before it."""
    parts = code.split(".")
    return [".".join(parts[start:]) for start in range(len(parts))]


def api_error(code: str, message: str, *, http_status: int, rule: ErrorRule | None = None, **fields: Any) -> ApiError:
    """Build the error that a refusal of the service stands for.

    Args:
        code: The service's code as it came. One that is not known gives way to a known one in the message.
        message: The service's message; a plain sentence stands in for an empty one.
        http_status: The HTTP status of the answer.
        rule: What the code means, where a dialect knows better than `CODES`.
        **fields: `code_number`, `data`, `action`, `request_id`, `retry_after`, `response` as in `ApiError`.
    """
    if rule is None and _by_prefix(code)[0] is None:
        code = code_within(f"{code} {message}") or code
    known, detail = rule_for(code, http_status)
    rule = rule or (_IN_PARAMETER if known is BY_STATUS[400] and _BAD_PARAMETER in message else known)
    text = message.strip() or f"The service refused the call with HTTP status {http_status}."
    return rule.error(
        text, code=code, detail=detail, http_status=http_status, advice=rule.advice, retry=rule.retry, **fields
    )
