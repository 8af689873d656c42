"""Validations: what the two liveness Actions take and answer (contract §2, §3). Values only; tokens are secrets."""

from __future__ import annotations

from typing import get_args

from attrs import field, frozen

from portrait.enums import Language
from portrait.errors import UsageError
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
    """An open liveness check. Token and link are valid for 120 seconds and are secrets.

    Attributes:
        byted_token: What GetVisualValidateResult takes.
        h5_link: What the person opens on a phone.
        callback_url: As given.
    """

    byted_token: str = field(repr=False)
    h5_link: str = field(default="", repr=False)
    callback_url: str = ""

    def link(self, language: Language = "zh") -> str:
        """`h5_link` for a page in that language: with `lng=` once, the rest as it came.

        Raises:
            UsageError: The page has no such language.
        """
        if language not in get_args(Language):
            raise UsageError(
                f"There is no page in {language!r}.", advice=f"Languages: {', '.join(get_args(Language))}."
            )
        base, hash_, fragment = self.h5_link.partition("#")
        path, _, query = base.partition("?")
        others = [part for part in query.split("&") if part and part.partition("=")[0] != "lng"]
        return f"{path}?{'&'.join([*others, f'lng={language}'])}{hash_}{fragment}"


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
