"""The readers that rules and the control plane share, and that each says what is wrong in an error of its own."""

import pytest

from emulator import json_checks
from emulator.control import ControlError
from emulator.rules import RuleError, parse


@pytest.mark.parametrize(
    ("reader", "value", "more", "words"),
    [
        (json_checks.object_, [], [("a",)], "it must be an object"),
        (json_checks.object_, {"c": 1, "b": 1}, [("z", "a")], "it has the unknown key 'b'; it may have z, a"),
        (json_checks.one_of, "c", [("b", "a")], "it must be one of b, a"),
        (json_checks.one_of, [], [("b", "a")], "it must be one of b, a"),
        (json_checks.text, "", [], "it must be a string that is not empty"),
        (json_checks.text, None, [], "it must be a string that is not empty"),
        (json_checks.integer, 0, [1], "it must be a whole number, 1 or more"),
        (json_checks.integer, True, [], "it must be a whole number, 0 or more"),
        (json_checks.integer, 1.0, [], "it must be a whole number, 0 or more"),
        (json_checks.seconds, -0.5, [], "it must be a number of seconds, 0 or more"),
        (json_checks.seconds, float("inf"), [], "it must be a number of seconds, 0 or more"),
        (json_checks.seconds, float("nan"), [], "it must be a number of seconds, 0 or more"),
        (json_checks.seconds, "1", [], "it must be a number of seconds, 0 or more"),
    ],
)
def test_a_wrong_value_is_said_in_words(reader, value, more, words):
    """What was expected stands in the text; truth values are no numbers."""
    with pytest.raises(json_checks.WrongValue) as caught:
        reader("it", value, *more)
    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("reader", "value", "more"),
    [
        (json_checks.object_, {"a": 1}, [("a", "b")]), (json_checks.one_of, "a", [("b", "a")]),
        (json_checks.text, "a", []),
        (json_checks.integer, 0, []), (json_checks.integer, 1, [1]),
        (json_checks.seconds, 0, []), (json_checks.seconds, 0.5, []),
    ],
)  # fmt: skip
def test_a_right_value_comes_back(reader, value, more):
    """Readers change nothing."""
    assert reader("it", value, *more) == value


def test_rules_and_the_control_plane_say_it_as_their_own(control):
    """The same words in the error of whoever asked."""
    with pytest.raises(RuleError, match=r"^do.lag must be a number of seconds, 0 or more$"):
        parse({"do": {"lag": "3"}})
    with pytest.raises(ControlError, match=r"^a customer has the unknown key 'colour'; it may have aigc, ") as caught:
        control.patch_customer("acme", colour="red")
    assert caught.value.status == 400
    with pytest.raises(ControlError, match=r"^set must be a moment such as .*, or seconds since 1970$"):
        control.set_clock(set=-1)
