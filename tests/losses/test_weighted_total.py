"""The weighted total, its report, and its gradient."""

import math

import pytest
import torch

from nstkit.losses import weighted_total


def terms(dtype=torch.float64):
    x = torch.tensor([1.5, -2.0, 3.0], dtype=dtype, requires_grad=True)
    return x, {"content": x[0] ** 2, "style": x[1] * x[2], "tv": x[2].exp()}


WEIGHTS = {"tv": 0.01, "content": 2.0, "style": 30.0}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_it_is_the_weighted_sum_and_the_report_adds_up(dtype):
    _, losses = terms(dtype)
    total, report = weighted_total(losses, WEIGHTS)
    assert total.shape == ()
    assert total.dtype == dtype
    hand = {"content": 2 * 2.25, "style": 30 * -6.0, "tv": 0.01 * math.exp(3)}
    assert report == pytest.approx(hand, rel=1e-6)
    assert list(report) == list(losses)
    assert {type(value) for value in report.values()} == {float}
    assert float(total.detach()) == pytest.approx(sum(hand.values()), rel=1e-6)


def test_the_gradient_is_the_weighted_sum_of_gradients():
    x, losses = terms()
    (slope,) = torch.autograd.grad(weighted_total(losses, WEIGHTS)[0], x)
    torch.testing.assert_close(
        slope, torch.tensor([6.0, 90.0, -60.0 + 0.01 * math.exp(3)], dtype=torch.float64)
    )


@pytest.mark.parametrize("broken", [math.inf, math.nan])
def test_a_term_with_weight_zero_is_left_out(broken):
    x, losses = terms()
    losses["tv"] = losses["tv"] * broken
    total, report = weighted_total(losses, WEIGHTS | {"tv": 0.0})
    assert report["tv"] == 0.0
    (slope,) = torch.autograd.grad(total, x)
    torch.testing.assert_close(slope, torch.tensor([6.0, 90.0, -60.0], dtype=torch.float64))


def test_all_weights_may_be_zero():
    total, report = weighted_total({"a": torch.tensor(math.inf)}, {"a": 0})
    assert float(total) == 0
    assert report == {"a": 0.0}


@pytest.mark.parametrize(
    ("losses", "weights", "error", "words"),
    [
        ({"a": torch.ones(())}, {}, KeyError, "weights: no weight for 'a'"),
        (
            {"a": torch.ones(())},
            {"a": 1, "b": 0},
            KeyError,
            "terms: no term 'b' for this weight; known are a",
        ),
        ({"a": torch.ones(())}, {"a": -1.0}, ValueError, r"weights: expected numbers ≥ 0, got -1.0 for 'a'"),
        ({"a": torch.ones(2)}, {"a": 0.0}, ValueError, r"terms: expected 0-d tensors, got \(2,\) for 'a'"),
        ({}, {}, ValueError, "terms: expected at least one loss, got none"),
    ],
)
def test_mistakes_are_refused(losses, weights, error, words):
    with pytest.raises(error, match=words):
        weighted_total(losses, weights)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees():
    _, losses = terms()
    total, report = weighted_total({name: term.cuda() for name, term in losses.items()}, WEIGHTS)
    assert total.is_cuda
    assert report == pytest.approx(weighted_total(losses, WEIGHTS)[1])
