"""Faults and verdicts on demand: a strict grammar of rules, and a repeatable choice of the rule that fires."""

from emulator.rules.clauses import Do, RuleError
from emulator.rules.grammar import Rule, parse, parse_one_time
from emulator.rules.rule_set import RuleSet, alter_reply, short_circuit

__all__ = ["Do", "Rule", "RuleError", "RuleSet", "alter_reply", "parse", "parse_one_time", "short_circuit"]
