"""Faults and verdicts on demand: one grammar, strictly read, and a plan that plays the same way every time."""

from emulator.rules.clauses import Do, RuleError
from emulator.rules.grammar import Rule, parse, parse_one_time
from emulator.rules.rule_set import RuleSet

__all__ = ["Do", "Rule", "RuleError", "RuleSet", "parse", "parse_one_time"]
