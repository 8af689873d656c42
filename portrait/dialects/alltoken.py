"""AllToken's dialect: a Bearer key, and business errors inside of HTTP 200 (contract §1, §2, §4)."""

from __future__ import annotations

from portrait.dialects.dialect import Dialect

ALLTOKEN = Dialect(name="alltoken", action_path="/portrait/", name_limit=50)
