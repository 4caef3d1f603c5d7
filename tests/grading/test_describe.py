"""Every kind of difference gets the sentence that tells the most."""

import pytest
import torch

from nstkit.grading.compare import difference
from nstkit.grading.describe import describe
from nstkit.grading.evidence import Raised, freeze

BASE = torch.tensor([[1.0, -2.0, 0.5], [3.0, 4.0, -1.5]], dtype=torch.float64)
SQUARE = torch.tensor([[1.0, 2.0], [3.0, 5.0]], dtype=torch.float64)


def sentence(got, expected):
    return describe(difference(freeze(got), freeze(expected)))


@pytest.mark.parametrize(("got", "expected", "words"), [
    (-BASE, BASE, "the sign is flipped"),
    (4 * BASE, BASE, "too large by a factor of 4"),
    (BASE / 6, BASE, "too small by a factor of 6"),
    (-3 * BASE, BASE, "too large by a factor of 3 and of the wrong sign"),
    (BASE * 0.7, BASE, "every value is 0.7 times"),
    (SQUARE.T, SQUARE, "transposed"),
    (BASE + 0.25, BASE, "every value is 0.25 too large"),
    (BASE * float("nan"), BASE, "6 of 6 values are NaN"),
    (torch.stack([BASE[0], BASE[1] + torch.rand(3)]), BASE, "item 1 along the first axis is wrong"),
    (BASE.float(), BASE, "expected dtype float64, got float32"),
    (BASE.T, BASE, "the axes are in another order"),
    (BASE[0], BASE, "an axis is missing"),
    (None, BASE, "did you forget `return`"),
    ((x for x in "ab"), BASE, "not a generator"),
    (8.0, 2.0, "too large by a factor of 4"),
    (7.3, 2.0, "expected 2, got 7.3"),
    ({"a": 1}, {"a": 1, "b": 1}, "missing 'b'"),
    ({"a": 1, "c": 1}, {"a": 1}, "not expected 'c'"),
    ([1], [1, 2], "expected 2 values, got 1"),
    (("returns", 1), Raised(("ValueError",)), "expected ValueError to be raised, but the call returned"),
    (Raised(("KeyError",)), Raised(("ValueError",)), "expected ValueError to be raised, got KeyError"),
    (Raised(("KeyError",)), 3, "but the call raised KeyError"),
    ({"a": {"b": 1}}, {"a": {"b": 2}}, "a b: expected"),
])  # fmt: skip
def test_sentences(got, expected, words):
    assert words in sentence(got, expected)


def test_the_worst_element_is_named():
    wrong = BASE.clone()
    wrong[0, 1] += 0.1
    wrong[1, 2] -= 7
    text = sentence(wrong, BASE)
    assert "2 of 6 values differ" in text
    assert "[1, 2]: expected -1.5, got -8.5" in text
