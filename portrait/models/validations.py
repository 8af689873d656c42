"""Validations: what the two liveness Actions take and answer (contract §2, §3). Values only; tokens are secrets."""

from __future__ import annotations

from attrs import field, frozen

from portrait.models.common import Result


@frozen(kw_only=True)
class CreateVisualValidateSessionRequest:
    """Open a liveness check for one person.

    Attributes:
        callback_url: Where the person's browser goes afterwards; absolute, http or https.
        project_name: Default `default`.
    """

    callback_url: str
    project_name: str | None = None


@frozen(kw_only=True)
class VisualValidateSession(Result):
    """An open liveness check. Token and link live 120 seconds and are secrets.

    Attributes:
        byted_token: What GetVisualValidateResult takes.
        h5_link: What the person opens on a phone.
        callback_url: As given.
    """

    byted_token: str = field(repr=False)
    h5_link: str = field(default="", repr=False)
    callback_url: str = ""


@frozen(kw_only=True)
class GetVisualValidateResultRequest:
    """Ask for the group of a passed liveness check. The first answer uses the token up.

    Attributes:
        byted_token: From CreateVisualValidateSession.
        project_name: Default `default`.
    """

    byted_token: str = field(repr=False)
    project_name: str | None = None


@frozen(kw_only=True)
class VisualValidateResult(Result):
    """The group of the person who passed.

    Attributes:
        group_id: A `LivenessFace` group.
    """

    group_id: str
