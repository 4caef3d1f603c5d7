"""Twelve style distances against numpy, and the laws that each statistic has."""

import itertools

import numpy as np
import pytest
import torch

from nstkit.losses import style_distance

STATISTICS, METRICS = ("mean", "mean_std", "gram", "covariance"), ("l1", "l2", "charbonnier")
PAIRS = list(itertools.product(STATISTICS, METRICS))
EPS = 0.1  # with the small default, "charbonnier" would hide behind "l1"


def drawn(seed, *shape):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) + 0.6


GENERATED, STYLE = drawn(0, 2, 5, 4, 7), drawn(1, 2, 5, 6, 3)


def summary(image, statistic):
    flat = image.reshape(len(image), -1)
    if statistic == "mean":
        return flat.mean(1)
    if statistic == "mean_std":
        return np.concatenate([flat.mean(1), np.sqrt(flat.var(1) + 1e-5)])
    return np.cov(flat, bias=True) if statistic == "covariance" else flat @ flat.T / flat.shape[1]


def by_numpy(generated, style, statistic, metric):
    pairs = zip(generated.numpy(), style.numpy(), strict=True)
    d = np.stack([summary(g, statistic) - summary(s, statistic) for g, s in pairs])
    return {"l1": np.abs(d), "l2": d**2, "charbonnier": np.sqrt(d**2 + EPS**2)}[metric].mean()


@pytest.mark.parametrize(("statistic", "metric"), PAIRS)
def test_it_agrees_with_numpy(statistic, metric):
    expected = by_numpy(GENERATED, STYLE, statistic, metric)
    assert float(style_distance(GENERATED, STYLE, statistic, metric, EPS)) == pytest.approx(
        expected, rel=1e-10
    )
    single = style_distance(GENERATED.float(), STYLE.float(), statistic, metric, EPS)
    assert single.dtype == torch.float32
    assert float(single) == pytest.approx(expected, rel=1e-4)


def test_gram_and_l2_are_the_defaults():
    assert float(style_distance(GENERATED, STYLE)) == pytest.approx(by_numpy(GENERATED, STYLE, "gram", "l2"))


@pytest.mark.parametrize(("statistic", "metric"), PAIRS)
def test_places_do_not_matter_and_identity_costs_nothing_or_eps(statistic, metric):
    order = torch.randperm(28, generator=torch.Generator().manual_seed(2))
    shuffled = GENERATED.flatten(2)[..., order].view(2, 5, 7, 4)
    found = style_distance(shuffled.mT.contiguous().mT, GENERATED, statistic, metric, EPS)
    assert float(found) == pytest.approx(EPS if metric == "charbonnier" else 0, abs=1e-12)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_only_the_covariance_ignores_a_constant(statistic):
    shifted = float(style_distance(STYLE + 2, STYLE, statistic))
    assert (shifted < 1e-20) == (statistic == "covariance")


@pytest.mark.parametrize(("statistic", "metric"), [pair for pair in PAIRS if pair[1] != "l1"])
def test_gradcheck(statistic, metric):
    generated = GENERATED.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda g: style_distance(g, STYLE, statistic, metric, EPS), generated)


def test_the_style_is_a_constant():
    style = STYLE.clone().requires_grad_()
    style_distance(GENERATED.clone().requires_grad_(), style).backward()
    assert style.grad is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            (STYLE, "gramm"),
            "statistic: expected one of 'mean', 'mean_std', 'gram', 'covariance', got 'gramm'",
        ),
        ((STYLE, "gram", "l3"), "metric: expected one of 'l1', 'l2', 'charbonnier', got 'l3'"),
        ((STYLE, "gram", "l2", 0.0), "eps: expected a number above 0, got 0.0"),
        ((STYLE[:, 1:],), r"style: expected \(B, C\) = \(2, 5\)"),
        ((STYLE[:1],), r"style: expected \(B, C\) = \(2, 5\)"),
    ],
)
def test_mistakes_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        style_distance(GENERATED, *arguments)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(("statistic", "metric"), PAIRS)
def test_the_gpu_agrees(statistic, metric):
    gpu = style_distance(GENERATED.cuda(), STYLE.cuda(), statistic, metric)
    assert gpu.is_cuda
    torch.testing.assert_close(gpu.cpu(), style_distance(GENERATED, STYLE, statistic, metric))
