"""Faults and verdicts on demand: one grammar, strictly read, and a plan that plays the same way every time."""

from emulator.rules.grammar import Rule, parse, parse_one_time
from emulator.rules.plan import Plan
from emulator.rules.words import Do, RuleError

__all__ = ["Do", "Plan", "Rule", "RuleError", "parse", "parse_one_time"]
