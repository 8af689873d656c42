"""Faults and verdicts on demand: one grammar, strictly read, and a plan that plays the same way every time."""

from emulator.rules.grammar import Rule, parse, parse_one_time
from emulator.rules.plan import RuleSet
from emulator.rules.words import Do, RuleError

__all__ = ["Do", "Rule", "RuleError", "RuleSet", "parse", "parse_one_time"]
