"""Ark's dialect, which Volcengine and BytePlus speak: real HTTP statuses (contract §1, §2, §4).

Requests are signed; nothing of that is here.
"""

from __future__ import annotations

from portrait.codes import ErrorRule
from portrait.dialects.dialect import Dialect
from portrait.errors import ValidatePending

ARK = Dialect(
    name="ark",
    action_path="/",
    name_limit=64,
    cursor_paging=True,
    # A token that gives no group may still give one while its window is open. §10.9.
    codes={"GetVisualValidateResult": {"NotFound": ErrorRule(ValidatePending)}},
    pending_is_ambiguous=True,  # contract §3, token table (M)
    pending_without={"GetVisualValidateResult": "GroupId"},
)
