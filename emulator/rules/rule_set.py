"""The rules of one emulator: which one fires on a call, and the faults that it brings.

Randomness is seeded: the same calls in the same order meet the same faults.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from attrs import define, evolve, field

from emulator.domain.reasons import Reason, Refusal
from emulator.domain.verdicts import message_for
from emulator.messages import Reply
from emulator.rules.clauses import PAGES, Do, Limit, RuleError
from emulator.rules.grammar import Rule, parse, parse_one_time


@define
class _Entry:
    rule: Rule
    chance: Callable[[], float]
    seen: int = 0
    fired: int = 0
    windows: dict[str, tuple[float, int]] = field(factory=dict)

    def exceeds(self, limit: Limit, customer: str, now: float) -> bool:
        """Count a call of a customer. A window begins with the first call after the last one ended (I)."""
        start, calls = self.windows.get(customer, (now, 0))
        if not 0 <= now - start < limit.seconds:
            start, calls = now, 0
        if calls >= limit.calls:
            return True
        self.windows[customer] = start, calls + 1
        return False


# Whether a rule fires on the call that it sees as number `seen`.
_TRIGGERS: Mapping[str, Callable[[_Entry, Any], bool]] = {
    "always": lambda _, __: True,
    "first": lambda entry, number: entry.seen <= number,
    "nth": lambda entry, numbers: entry.seen in numbers,
    "every": lambda entry, number: entry.seen % number == 0,
    "chance": lambda entry, probability: entry.chance() < probability,
}


class RuleSet:
    """Rules in the order of their adding; on each call the first that fires is the one that counts.

    Args:
        seed: Seeds the rules with `chance`.
        find_customer: The name of the customer that a rule means, perhaps by its key.

    Attributes:
        active: Is there any rule? Asked by every call.
    """

    def __init__(self, seed: int, find_customer: Callable[[str], str] = str) -> None:
        self.active = False
        self._seed = seed
        self._find_customer = find_customer
        self._lock = Lock()
        self._named = 0
        self._entries: dict[str, _Entry] = {}

    def add(self, source: Any) -> dict[str, Any]:
        """Add a rule and show it.

        Raises:
            RuleError: It is none, or its id is taken.
        """
        rule = parse(source, self._find_customer)
        with self._lock:
            name = rule.id or self._free_name()
            if name in self._entries:
                raise RuleError(f"there is already a rule with the id {name!r}")
            chance = random.Random(f"{self._seed}/{name}").random  # noqa: S311 - repeatable on purpose
            entry = self._entries[name] = _Entry(rule, chance)
            self.active = True
            return _to_dict(name, entry)

    def remove(self, rule_id: str | None = None) -> bool:
        """Remove one rule, or all; False where there is no such rule."""
        with self._lock:
            found = rule_id is None or rule_id in self._entries
            if rule_id is None:
                self._entries.clear()
            else:
                self._entries.pop(rule_id, None)
            self.active = bool(self._entries)
            return found

    def all(self) -> list[dict[str, Any]]:
        """All rules as they were added, with their counters."""
        with self._lock:
            return [_to_dict(name, entry) for name, entry in self._entries.items()]

    def parse_one_time(self, source: Any) -> Rule:
        """The rule of a single request.

        Raises:
            RuleError: It is none.
        """
        return parse_one_time(source, self._find_customer)

    def match(self, action: str, customer: str, name: str, now: float = 0.0) -> Do | None:
        """The effect on a call at `now`; None where no rule fires."""
        with self._lock:
            for entry in self._entries.values():
                rule = entry.rule
                if not rule.matches(action, customer, name):
                    continue
                entry.seen += 1
                kind, number = rule.when
                limit = rule.do.limit
                if limit is not None and not entry.exceeds(limit, customer, now):
                    continue
                if _TRIGGERS[kind](entry, number):
                    entry.fired += 1
                    return rule.do
        return None

    def _free_name(self) -> str:
        while True:
            self._named += 1
            name = f"rule-{self._named}"
            if name not in self._entries:
                return name


def _to_dict(name: str, entry: _Entry) -> dict[str, Any]:
    return {**entry.rule.source, "id": name, "seen": entry.seen, "fired": entry.fired}


# --- effects ----------------------------------------------------------------------------------------------------------


def short_circuit(do: Do) -> tuple[Reply, str] | None:
    """The reply to a call that is not carried out, and its outcome for the log; None where it is carried out.

    Raises:
        Refusal: The rule's error.
    """
    if do.error is not None:
        raise _as_refusal(*do.error)
    if do.http is not None:
        body, content_type = PAGES[do.http.body]
        headers = {name: value for name, value in do.http.headers.items() if name.lower() != "content-type"}
        content_type = next(iter(do.http.headers[name] for name in do.http.headers.keys() - headers), content_type)
        reply = Reply(status=do.http.status, body=body, content_type=content_type, headers=headers)
        return reply, f"http {do.http.status}"
    if do.close == "before":
        return Reply(drop=True), "closed"
    return None


def alter_reply(do: Do, reply: Reply) -> Reply:
    """The reply to a call that was carried out, changed by the rule."""
    if do.close == "after-commit":
        return Reply(status=reply.status, drop=True)
    return reply if do.truncate is None else evolve(reply, truncate=do.truncate)


def _as_refusal(reason: Reason, detail: str) -> Refusal:
    if reason is Reason.MEDIA_REJECTED:
        return Refusal(reason, detail=detail, message=message_for(detail))
    return Refusal(reason, field=detail, message="is not valid")
