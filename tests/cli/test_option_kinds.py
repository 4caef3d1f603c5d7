"""Text to values: what can be shown can be read back; what cannot be read is named."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nstkit.cli.option_kinds import FLAG, kind_of
from nstkit.cli.options import shown

NAMES = st.from_regex(r"[a-z]\w{0,8}", fullmatch=True)
FLOATS = st.floats(-1e6, 1e6).map(lambda x: float(f"{x:g}"))


def read(hint, value):
    return kind_of(hint).parse(shown(value))


@given(st.dictionaries(NAMES, FLOATS), st.lists(FLOATS), st.tuples(st.integers(), FLOATS), st.integers())
def test_what_is_shown_is_read_back(mapping, numbers, pair, number):
    assert read(Mapping[str, float], mapping) == mapping
    assert read(Sequence[float], numbers) == read(list[float], numbers) == numbers
    assert read(tuple[float, ...], numbers) == tuple(numbers)
    assert read(tuple[int, float], pair) == pair
    assert read(int, number) == read(int | None, number) == number


def test_a_choice_comes_back_with_its_type():
    assert [kind_of(Literal[3, 5, "all"]).parse(text) for text in ("3", "5", "all")] == [3, 5, "all"]


def test_a_union_takes_the_first_that_fits():
    kind = kind_of(int | tuple[int, int])
    assert (kind.metavar, kind.parse("7"), kind.parse("7,9")) == ("N|N,N", 7, (7, 9))
    with pytest.raises(ValueError, match="expected 2 values separated by commas, got '7,8,9'"):
        kind.parse("7,8,9")


def test_a_name_alone_weighs_one():
    assert kind_of(Mapping[str, float]).parse("relu1_1, relu2_1 = 0.5,") == {"relu1_1": 1.0, "relu2_1": 0.5}


def test_flags_and_plain_kinds():
    assert kind_of(bool) is kind_of(bool | None) is FLAG
    assert kind_of(Path).parse("a/b") == Path("a/b")
    assert kind_of(str | torch.Tensor).parse("x") == "x"


@pytest.mark.parametrize(
    "hint",
    [
        torch.Tensor,
        Callable[[int], None],
        torch.Generator | None,
        Sequence[torch.Tensor],
        tuple[int, torch.Tensor],
    ],
)
def test_what_a_command_line_cannot_say_has_no_kind(hint):
    assert kind_of(hint) is None


@pytest.mark.parametrize(
    ("hint", "text", "message"),
    [
        (int, "3.5", "expected a whole number, got '3.5'"),
        (float, "x", "expected a number, got 'x'"),
        (Literal["lbfgs", "adam"], "lbfsg", "expected lbfgs or adam, got 'lbfsg'; did you mean lbfgs?"),
        (Literal["lbfgs", "adam"], "q", "expected lbfgs or adam, got 'q'"),
        (Mapping[str, float], "a=1,a=2", "expected each name once, as NAME=X, got 'a=1,a=2'"),
        (Mapping[str, float], "=2", "expected each name once, as NAME=X, got '=2'"),
        (Mapping[str, float], "a=", "expected a number, got ''"),
        (Sequence[int], "1,b", "expected a whole number, got 'b'"),
    ],
)
def test_what_does_not_fit_is_said(hint, text, message):
    with pytest.raises(ValueError) as caught:
        kind_of(hint).parse(text)
    assert str(caught.value) == message
