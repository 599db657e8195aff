"""Nodes that work with text."""

import pytest

from kinograph import InvalidInput
from nodes.values.text import (
    change_case,
    format_text,
    join_text,
    random_line,
    replace_text,
    split_text,
    text_contains,
    text_length,
    to_number,
    to_text,
)


def test_join_and_split():
    assert join_text("a", "", "b", 3, [1.5, True]) == "a, b, 3, 1.5, true"
    assert join_text("a", "", "b", separator="", skip_empty=False) == "ab"
    assert join_text() == ""
    assert split_text("a\n\n b \r\nc") == ["a", "b", "c"]
    assert split_text("a,,b", ",", skip_empty=False) == ["a", "", "b"]


def test_replace():
    assert replace_text("a Red red ball", "red", "blue") == "a Red blue ball"
    assert replace_text("a Red red ball", "red", r"\1$", ignore_case=True) == r"a \1$ \1$ ball"
    assert replace_text("abc", "", "x") == "abc"
    assert replace_text("a.c abc", "a.c", "x") == "x abc"
    with pytest.raises(InvalidInput):
        replace_text("a" * 10_000, "a", "b" * 10_000)


def test_format():
    assert format_text("a {color} ball, {count} times", color="red", count=3) == "a red ball, 3 times"
    assert format_text("{n:03d} {x:.2f} {p:.0%}", n=7, x=1.005, p=0.5) == "007 1.00 50%"
    assert format_text("{{literal}} {a}", a=True) == "{literal} true"
    assert format_text("{a.__class__} {0} {", a=1, **{"0": "x"}) == "{a.__class__} x {"
    for template in ("{missing}", "{a:d}"):
        with pytest.raises(InvalidInput) as caught:
            format_text(template, a="text")
        assert caught.value.socket == "template"


def test_case_length_and_search():
    assert change_case("Ab Cd", "upper") == "AB CD"
    assert change_case("ab cd", "title") == "Ab Cd"
    assert change_case("ab. Cd", "sentence") == "Ab. Cd"
    assert change_case("  ab ", "trim") == "ab"
    assert text_length("ab cd\nef") == (8, 3, 2)
    assert text_contains("A Red ball", "red")
    assert not text_contains("A Red ball", "red", ignore_case=False)


def test_numbers_and_text():
    assert [to_text(value) for value in (1, 1.0, 0.1 + 0.2, True, [1, "a"])] == ["1", "1", "0.3", "true", "1, a"]
    assert to_number(" -1.5e3 ") == -1500
    for text in ("", "abc", "nan", "inf", "1_000", "0x10"):
        with pytest.raises(InvalidInput):
            to_number(text)


def test_lines_are_chosen_by_seed():
    chosen = {random_line("red\n\nblue\ngreen", seed) for seed in range(30)}
    assert chosen == {"red", "blue", "green"}
    assert random_line("red\nblue", 5) == random_line("red\nblue", 5)
    with pytest.raises(InvalidInput):
        random_line("\n \n")
