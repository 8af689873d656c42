"""The two liveness Actions, and what a scan does to a validation. Contract §2, §3 (*Validation session*)."""

from __future__ import annotations

from urllib.parse import urlencode

from attrs import evolve

from emulator.domain import checks, lifecycle, quotas
from emulator.domain.context import Context
from emulator.domain.groups import create_group
from emulator.domain.reasons import Reason, Refusal
from emulator.domain.records import Scan, Validation
from portrait import models
from portrait.models import GroupType
from portrait.urls import parse_http_url

PAGES = "/h5/"
"""The path of the pages of validations. Contract §2, sample of an H5Link (D)."""


def create(ctx: Context, request: models.CreateVisualValidateSessionRequest) -> models.VisualValidateSession:
    """Opens a liveness check; token and link are valid equally long."""
    checks.http_url("CallbackURL", request.callback_url)
    project = ctx.project(request.project_name)
    customer = ctx.require_account()
    validation = Validation(
        number=ctx.tx.next_validation_number(),
        token=ctx.config.ids.byted_token(ctx.now, ctx.owner),
        customer=customer.name,
        owner=ctx.owner,
        project=project,
        callback_url=request.callback_url,
        created=ctx.now,
        expires=ctx.now + ctx.config.token_life,
    )
    ctx.tx.save_validation(validation)
    ctx.handle = validation.handle
    return models.VisualValidateSession(
        byted_token=validation.token,
        h5_link=page_link(ctx, validation),
        callback_url=validation.callback_url,
    )


def page_link(ctx: Context, validation: Validation) -> str:
    """The link to its page. Contract §2, sample; `zh` is the default language (§3, D)."""
    return f"{ctx.base}{PAGES}?{ctx.config.page_ticket(validation)}&lng=zh"


def result(ctx: Context, request: models.GetVisualValidateResultRequest) -> models.VisualValidateResult:
    """The group of the person who passed. Contract §3, token table: each row is one `if`, in its order."""
    token = request.byted_token
    validation = find(ctx, token, ctx.project(request.project_name))
    # Already used; §10.10 has the other reading.
    if validation.scan is Scan.SPENT and not ctx.config.second_same:
        raise Refusal(Reason.TOKEN_SPENT, id=token)
    if lifecycle.expired(validation, ctx.now):
        raise Refusal(Reason.TOKEN_EXPIRED, id=token)
    if validation.scan is Scan.SPENT:
        return models.VisualValidateResult(group_id=validation.group_id)
    # Not finished, or failed: the service does not say which.
    if validation.scan is not Scan.PASSED:
        ctx.note_unfinished(validation.created)
        raise Refusal(Reason.VALIDATION_OPEN, id=token)
    return models.VisualValidateResult(group_id=redeem(ctx, validation).group_id)


def find(ctx: Context, token: str, project: str) -> Validation:
    """The validation of a token that the caller may ask for.

    Raises:
        Refusal: It was forgotten some time after its end, or it is unknown, of another key or of another project.
    """
    validation = ctx.tx.validation(token)
    # The token of a validation that was forgotten stays an expired one.
    if validation is None and ctx.config.ids.is_old_token(token, ctx.owner, ctx.now - ctx.config.token_life):
        raise Refusal(Reason.TOKEN_EXPIRED, id=token)
    # Asked for in another project it is a foreign one (§2, I).
    if validation is None or validation.owner != ctx.owner or validation.project != project:
        raise Refusal(Reason.TOKEN_UNKNOWN, id=token)
    ctx.handle = validation.handle
    return validation


def redeem(ctx: Context, validation: Validation) -> Validation:
    """The first answer uses the token up. Contract §2, last column (D).

    A person who passed while the group quota was full has no group yet: it is made now, or the call is refused as the
    quota is full and the token stays good, so that deleting a group helps (I).
    """
    if not validation.group_id:
        quotas.check_groups(ctx.tx.customer, ctx.tx.count_groups())
        validation = _create_person_group(ctx, validation)
    spent = evolve(validation, scan=lifecycle.VALIDATION[validation.scan]["read"])
    ctx.tx.save_validation(spent)
    return spent


def start_scan(ctx: Context, validation: Validation) -> Validation:
    """Begin the scan, as opening the H5 page does; nothing where it has ended."""
    scanning = None if lifecycle.expired(validation, ctx.now) else lifecycle.transition(validation, "open")
    if scanning is None or scanning == validation:
        return validation
    ctx.tx.save_validation(scanning)
    return scanning


def finish(
    ctx: Context, validation: Validation, outcome: str, subject: str | None, code: int | None = None
) -> Validation | None:
    """End the scan; None where it had ended or expired before. Contract §3: one outcome (I).

    Args:
        ctx: The context.
        validation: Which.
        outcome: One of `lifecycle.OUTCOMES`.
        subject: Whose face it was; None makes up a new person.
        code: The page's result code; None is the outcome's.
    """
    if lifecycle.expired(validation, ctx.now):
        return None
    ended = lifecycle.transition(validation, outcome)
    if ended is None:
        return None
    ended = evolve(ended, stranger=outcome == "wrong-person", code=code or lifecycle.RESULT_CODES[outcome])
    if ended.scan is Scan.PASSED:
        ended = _pass(ctx, ended, subject)
    ctx.tx.save_validation(ended)
    return ended


def _pass(ctx: Context, validation: Validation, subject: str | None) -> Validation:
    """The group exists from the moment the scan passes, and counts. Contract §3 (I)."""
    customer = ctx.tx.customer
    customer = evolve(customer, persons=customer.persons + 1)
    ctx.tx.save_customer(customer)
    validation = evolve(validation, subject=subject or f"person-{customer.persons}")
    if ctx.tx.count_groups() >= customer.groups:
        return validation
    return _create_person_group(ctx, validation)


def _create_person_group(ctx: Context, validation: Validation) -> Validation:
    group = create_group(
        ctx,
        validation.project,
        GroupType.LIVENESS_FACE,
        validation.subject,
        subject=validation.subject,
        stranger=validation.stranger,
    )
    return evolve(validation, group_id=group.id)


def callback_url_for(validation: Validation, *, with_token: bool = True) -> str:
    """Where the browser goes after a scan: CallbackURL and its parameters. Contract §3 (D).

    `reqMeasureInfoValue` is 1 where the scan is billed, which here is one that passed (I).
    """
    passed = validation.scan in {Scan.PASSED, Scan.SPENT}
    added = urlencode(
        {
            **({"bytedToken": validation.token} if with_token else {}),
            "resultCode": validation.code,
            "algorithmBaseRespCode": 0,
            "reqMeasureInfoValue": int(passed),
            "verify_type": "real_time",
        }
    )
    url = parse_http_url(validation.callback_url)
    query = f"{url.query}&{added}" if url.query else added
    fragment = f"#{url.fragment}" if url.fragment else ""
    return f"{url.origin}{url.path}?{query}{fragment}"
