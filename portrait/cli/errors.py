"""How errors are reported: by an exit code, and by lines or JSON that say what happened and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from portrait import errors, s3
from portrait.actions import ACTIONS, Idempotency
from portrait.cli.console import OutputError, escape
from portrait.errors import ApiError, PortraitError, TransportError

OK, SOME_FAILED, USAGE, REFUSED, NETWORK, DEADLINE = range(6)
INTERRUPTED = 130
BROKEN_PIPE = 141  # as the shell counts a program that SIGPIPE ended

# The nearest class in an error's ancestry decides.
EXIT_CODES: Mapping[type[BaseException], int] = MappingProxyType(
    {
        errors.UsageError: USAGE,
        errors.StateError: USAGE,
        errors.TransportError: NETWORK,
        errors.ApiError: REFUSED,
        errors.ServerError: NETWORK,  # nobody knows what became of the call
        errors.AssetFailed: SOME_FAILED,
        errors.AssetVanished: SOME_FAILED,
        errors.ValidationFailed: REFUSED,
        errors.Interrupted: SOME_FAILED,
        errors.WaitTimeout: DEADLINE,
        errors.NoFreeSlot: DEADLINE,
        errors.AmbiguousGroup: USAGE,
        errors.UnknownOutcome: NETWORK,
        s3.StorageError: REFUSED,
        s3.StorageBadResponse: NETWORK,
        s3.StorageUnreachable: NETWORK,
        s3.StorageUnavailable: NETWORK,
        s3.StorageThrottled: NETWORK,
        s3.NoSuchUpload: NETWORK,
        s3.SourceUnreadable: SOME_FAILED,
        s3.SourceChanged: SOME_FAILED,
        OutputError: NETWORK,  # whoever was to read the outcome does not know it
        KeyboardInterrupt: INTERRUPTED,
        BaseException: SOME_FAILED,
    }
)

# The library's advice names its arguments, `base_url=`; these are options of the command.
_OPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "base_url": "--base-url",
        "check_public": "--check-public",
        "concurrency": "--concurrency",
        "endpoint_url": "--endpoint-url",
        "model": "--model",
        "provider": "--provider",
        "public_base": "--public-base",
        "region": "--region",
        "state": "--state",
        "store": "--to s3://BUCKET/PREFIX",
    }
)
_ARGUMENT = re.compile(r"\b([a-z_]+)=(?![\w'\"])")


# Errors whose cause `doctor` can find.
_FOR_DOCTOR = (errors.ConnectFailed, errors.Timeout, errors.BadResponse, errors.AuthError)


def exit_code(error: BaseException) -> int:
    """The exit code of an error."""
    return next(EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES)


def merge_exit_codes(codes: Iterable[int]) -> int:
    """The exit code of many outcomes: what they have in common, else that some failed."""
    distinct = set(codes)
    return distinct.pop() if len(distinct) == 1 else SOME_FAILED if distinct else OK


def advice_of(error: PortraitError, *, in_doctor: bool = False) -> str:
    """What to do next, in terms of the command line; `doctor` is not recommended by itself."""
    advice = _with_options(error.advice)
    action = ACTIONS.get(getattr(error, "action", ""))
    changes = action is None or action.idempotency is not Idempotency.IDEMPOTENT
    doubt = " Look at the lists first: the call may have been carried out."
    if isinstance(error, errors.QuotaExceeded) and not error.code:  # the service was not asked
        advice += " A customer who may have more says so by --quota."
    if isinstance(error, _FOR_DOCTOR) and not in_doctor:
        advice = f"{advice.rstrip('.')}; `portrait doctor` looks step by step."
    return f"{advice}{doubt if error.may_have_executed and changes else ''}".strip()


def _with_options(advice: str) -> str:
    """Advice that names options for arguments, without the sentences about arguments that no option stands for."""
    sentences = re.split(r"(?<=\.) ", advice)
    fitting = [each for each in sentences if _OPTIONS.keys() >= set(_ARGUMENT.findall(each))]
    return _ARGUMENT.sub(lambda match: _OPTIONS.get(match[1], match[0]), " ".join(fitting or sentences))


def code_of(error: PortraitError) -> str:
    """The service's code. A detail with digits is left out: it may be the token that was looked up (contract §1)."""
    code = str(getattr(error, "code", ""))
    return code if not re.search(r"\d", code) else code.partition(".")[0]


def format_errors(failures: Iterable[tuple[str, PortraitError]]) -> str:
    """Errors by subject: one line for all subjects of the same error, and each advice once."""
    by_advice: dict[str, dict[str, list[str]]] = {}
    for subject, error in failures:
        by_advice.setdefault(advice_of(error), {}).setdefault(_what(error), []).append(subject)
    text = ""
    for advice, subjects in by_advice.items():
        text += "".join(_line(what, of) for what, of in subjects.items())
        text += f"  → {escape(advice)}\n" if advice else ""
    return text


def _line(what: str, subjects: list[str]) -> str:
    named, more = ", ".join(escape(subject) for subject in subjects[:3]), len(subjects) - 3
    about = "" if what.startswith(escape(subjects[0])) else f"{named}{f' and {more} more' if more > 0 else ''}: "
    return f"portrait: {about}{what}\n"


def _what(error: PortraitError) -> str:
    what = escape(error.message)
    if not isinstance(error, ApiError):
        return what
    code = code_of(error)
    refused = f"{error.action} was refused: " if error.action else ""
    return f"{refused}{what.rstrip('.')}{f' ({code})' if code else ''}."


def format_error(error: BaseException, subject: str = "") -> str:
    """What happened and what to do, as one to three lines, each with a line break."""
    about = f"{escape(subject)}: " if subject else ""
    if not isinstance(error, PortraitError):
        kind = type(error).__name__
        return f"portrait: {about}unexpected {kind}.\n  → PORTRAIT_DEBUG=1 shows where it comes from.\n"
    what = _what(error)
    about = "" if subject in what else about
    text = f"portrait: {about}{what}\n"
    if advice := advice_of(error):
        text += f"  → {escape(advice)}\n"
    if isinstance(error, ApiError) and error.request_id:
        text += f"  request id {escape(error.request_id)}\n"
    return text


def error_record(error: BaseException) -> dict[str, Any]:
    """The error as a record."""
    if not isinstance(error, PortraitError):
        return {"kind": type(error).__name__}
    fields: dict[str, Any] = {"kind": type(error).__name__, "message": error.message, "advice": advice_of(error)}
    if code := code_of(error):
        fields["code"] = code
    if isinstance(error, ApiError) and error.request_id:
        fields["request_id"] = error.request_id
    if isinstance(error, ApiError | TransportError):
        fields["may_have_executed"] = error.may_have_executed
    return fields
