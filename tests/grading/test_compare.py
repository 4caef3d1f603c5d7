"""Comparison is strict on structure, shape, dtype and every element, and forgiving on rounding only."""

import numpy as np
import pytest
import torch

from nstkit.grading.compare import difference
from nstkit.grading.evidence import Raised, freeze

BASE = torch.linspace(-2, 3, 24, dtype=torch.float64).reshape(2, 3, 4)


def gap(got, expected, **tolerance):
    return difference(freeze(got), freeze(expected), **tolerance)


@pytest.mark.parametrize(
    ("got", "kind"),
    [
        (BASE.numpy(), "structure"),
        (BASE.tolist(), "structure"),
        (None, "structure"),
        (BASE.reshape(3, 2, 4), "shape"),
        (BASE[None], "shape"),
        (BASE[:1], "shape"),
        (BASE.float(), "dtype"),
        (BASE + 1e-4, "values"),
    ],
)
def test_what_differs_is_found(got, kind):
    assert gap(got, BASE).kind == kind


@pytest.mark.parametrize("place", [(0, 0, 0), (1, 2, 3), (0, 2, 1)])
def test_one_wrong_element_is_enough(place):
    wrong = BASE.clone()
    wrong[place] += 1e-3
    assert gap(wrong, BASE).kind == "values"


def test_nan_never_equals_nan():
    nan = torch.full((2, 3), float("nan"))
    assert gap(nan, nan) is not None
    assert gap(float("nan"), float("nan")) is not None


def test_infinity_equals_itself_only():
    values = torch.tensor([1.0, float("inf")])
    assert gap(values, values.clone()) is None
    assert gap(-values, values) is not None
    assert gap(torch.tensor([1.0, 1e30]), values) is not None


@pytest.mark.parametrize(
    ("dtype", "inside", "outside"), [(torch.float64, 1e-7, 1e-5), (torch.float32, 2e-5, 1e-3)]
)
def test_tolerance_follows_the_dtype(dtype, inside, outside):
    base = BASE.to(dtype)
    assert gap(base * (1 + inside), base) is None
    assert gap(base * (1 + outside), base) is not None


def test_a_small_element_beside_a_large_one_still_counts():
    base = torch.tensor([1.0, 1e-4], dtype=torch.float64)
    assert gap(torch.tensor([1.0, 2e-4], dtype=torch.float64), base) is not None


def test_integers_must_be_equal():
    assert gap(np.array([1, 2]), np.array([1, 2])) is None
    assert gap(np.array([1, 3]), np.array([1, 2])).kind == "values"


@pytest.mark.parametrize(("got", "expected", "same"), [
    (2, 2.0, True), (2.0, 2, False), (True, 1, False), (1, True, False), (np.float64(2), 2.0, True),
    (np.float32(2), 2.0, True), (torch.tensor(2.0), 2.0, False), ("a", "a", True), ("a", "b", False),
        ((1, 2), [1, 2], True),
])  # fmt: skip
def test_numbers_and_text(got, expected, same):
    assert (gap(got, expected) is None) is same


def test_mappings_compare_by_key():
    assert gap({"a": 1, "b": 2}, {"b": 2, "a": 1}) is None
    assert gap({"a": 1}, {"a": 1, "b": 2}).kind == "keys"
    assert gap({"a": {"x": 1.0}}, {"a": {"x": 2.0}}).path == "result['a']['x']"


def test_a_subclass_of_the_expected_error_will_do():
    assert gap(Raised(("UnicodeError", "ValueError")), Raised(("ValueError",))) is None
    assert gap(Raised(("ValueError",)), Raised(("UnicodeError", "ValueError"))).kind == "outcome"
    assert gap(("returns", 1), Raised(("ValueError",))).kind == "outcome"


def test_own_tolerance_wins():
    assert gap(BASE + 1e-4, BASE, rtol=0, atol=1e-3) is None
    assert gap(BASE + 1e-9, BASE, rtol=0, atol=1e-10) is not None
