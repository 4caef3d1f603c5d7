"""Every point of the curve is a run of its own, ends where the weighted means lie, and is reported raw."""

import numpy as np
import pytest
import torch

from nstkit.grading.draws import Draw
from nstkit.losses import content_loss, gatys_style_loss
from nstkit.transfer import trade_off_curve

SHAPE = (2, 3, 4, 5)
TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-4}


def three_images(dtype=torch.float64):
    return (
        torch.rand(3, *SHAPE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        .to(dtype)
        .unbind()
    )


def squared_distance(goal):
    return lambda x: ((x - goal) ** 2).sum()


def end_point_by_hand(start, content, style, ratio, steps, lr):
    """Adam of Kingma & Ba on ‖x − c‖² + r ‖x − s‖² in [0, 1], and both raw distances at its end."""
    x, content, style = (image.double().numpy() for image in (start, content, style))
    first = second = np.zeros_like(x)
    for t in range(1, steps + 1):
        gradient = 2 * (x - content) + ratio * 2 * (x - style)
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        x = np.clip(x - lr * (first / (1 - 0.9**t)) / (np.sqrt(second / (1 - 0.999**t)) + 1e-8), 0, 1)
    return ((x - content) ** 2).sum(), ((x - style) ** 2).sum()


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("options", [{}, {"steps": 7, "lr": 0.3}, {"steps": 0}])
def test_each_point_is_the_end_of_adam_written_out(dtype, options):
    start, content, style = three_images(dtype)
    ratios = [2.0, 0.1, 30.0]
    curve = trade_off_curve(squared_distance(content), squared_distance(style), start, ratios, **options)
    schedule = {"steps": 40, "lr": 0.02} | options
    for point, ratio in zip(curve, ratios, strict=True):
        assert type(point) is tuple
        assert all(type(value) is float for value in point)
        expected = end_point_by_hand(start, content, style, ratio, **schedule)
        assert point == pytest.approx(expected, rel=TOLERANCE[dtype])


def test_with_enough_steps_the_image_is_the_weighted_mean():
    start, content, style = three_images()
    ratios = [0.25, 1.0, 4.0]
    curve = trade_off_curve(squared_distance(content), squared_distance(style), start, ratios, steps=600)
    gap = ((content - style) ** 2).sum().item()
    for (to_content, to_style), r in zip(curve, ratios, strict=True):  # x = (c + r s)/(1 + r)
        assert to_content == pytest.approx(gap * (r / (1 + r)) ** 2, rel=1e-3)
        assert to_style == pytest.approx(gap / (1 + r) ** 2, rel=1e-3)


def test_a_point_does_not_depend_on_its_neighbours():
    start, content, style = three_images()
    losses = squared_distance(content), squared_distance(style)
    together = trade_off_curve(*losses, start, [0.3, 5.0, 0.3])
    alone = [trade_off_curve(*losses, start, [ratio])[0] for ratio in (0.3, 5.0, 0.3)]
    assert together == alone
    assert together[0] == together[2]


def test_on_features_content_rises_and_style_falls_with_the_ratio():
    draw = Draw(0, "trade-off")
    encoder, content, style = draw.encoder(), draw.image(2, 12, 17), draw.image(1, 14, 11)
    with torch.no_grad():
        content_features, style_features = encoder(content)["layer3"], encoder(style)
    weights = {"layer1": 1.0, "layer2": 1.0}
    curve = trade_off_curve(
        lambda x: content_loss(encoder(x)["layer3"], content_features, "mean"),
        lambda x: gatys_style_loss(encoder(x), style_features, weights),
        content,
        [1.0, 1e2, 1e4],
        steps=60,
    )
    contents, styles = zip(*curve, strict=True)
    assert contents[0] < contents[1] < contents[2]
    assert styles[0] > styles[1] > styles[2]


def test_the_start_and_the_network_stay_as_they_are():
    start, content, style = (image.requires_grad_() for image in three_images())
    trade_off_curve(squared_distance(content), squared_distance(style), start, [1.0], steps=2)
    for now, then in zip((start, content, style), three_images(), strict=True):
        assert torch.equal(now, then)
        assert now.grad is None


def test_without_ratios_it_is_refused():
    with pytest.raises(ValueError, match="ratios: expected at least one, got none"):
        trade_off_curve(torch.sum, torch.sum, torch.rand(SHAPE), [])


@pytest.mark.parametrize("ratio", [0.0, -1.0, float("nan")])
def test_ratios_that_are_not_above_zero_are_refused(ratio):
    with pytest.raises(ValueError, match=f"ratios: expected numbers above 0, got {ratio}"):
        trade_off_curve(torch.sum, torch.sum, torch.rand(SHAPE), [1.0, ratio])
