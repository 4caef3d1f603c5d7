"""From scale to scale: how large, how many steps, and what Adam remembers."""

import pytest
import torch
import torch.nn.functional as F

from nstkit.images import photograph, resize
from nstkit.paintings import paint
from nstkit.transfer import load_checkpoint, save_checkpoint, stylize
from nstkit.transfer.options import ADDED
from nstkit.transfer.run import Run

CONTENT = photograph("grace_hopper", size=104)
STYLE = paint("mosaic", height=56, width=88)
QUICK = {
    "encoder": "tiny", "size": 104, "coarsest": 52, "steps": 3, "device": "cpu", "optimizer": "adam",
    "content_layers": {"luma2": 1.0}, "style_layers": {"relu1_1": 1.0},
}  # fmt: skip


def seen(**options):
    steps = []
    result = stylize(CONTENT, STYLE, **QUICK | options, on_step=steps.append)
    return steps, result


def test_scales_grow_by_the_factor_and_the_first_has_its_own_steps():
    steps, result = seen(scale_factor=2**0.5, first_steps=5)
    assert [(s.scale, s.step, s.steps, s.done, max(s.size)) for s in steps] == [
        *((1, k, 5, k, 52) for k in range(1, 6)),
        *((2, k, 3, 5 + k, 74) for k in range(1, 4)),
        *((3, k, 3, 8 + k, 104) for k in range(1, 4)),
    ]
    assert {(s.scales, s.total) for s in steps} == {(3, 11)}
    assert result.finished


def test_first_steps_equal_to_the_others_are_no_option_of_their_own():
    assert seen(first_steps=3)[1].options == seen()[1].options


class Watched(Run):
    """Keeps, for the first step of a scale, Adam's state before and after, the iterate and the gradient."""

    notes: list

    def state(self):
        return {name: value.clone() for name, value in self.optimizer.state_dict().items()}

    def advance(self):
        entering = self.step == self.steps
        if not entering:
            return super().advance()
        before, previous = self.state(), self._iterate()
        step = super().advance()
        start = resize(previous, self.sizes[self.scale])
        self.objective.step = 0
        gradient = self.objective.value_and_gradient(start)[1]
        self.notes.append((before, start, gradient, self.state(), self.x.clone()))
        return step


@pytest.mark.parametrize("beta2", [0.999, 0.99])
def test_moments_are_carried_over(monkeypatch, beta2):
    """The first step of a scale is Adam's with the enlarged moments of the scale before, and its count of steps."""
    monkeypatch.setitem(stylize.__globals__, "Run", Watched)
    monkeypatch.setattr(Watched, "notes", [], raising=False)
    seen(carry_over=True, beta2=beta2, learning_rate=0.01)
    ((before, start, gradient, after, x),) = Watched.notes
    first = 0.9 * F.interpolate(before["exp_avg"], start.shape[2:], mode="bicubic") + 0.1 * gradient
    second = F.interpolate(before["exp_avg_sq"], start.shape[2:], mode="bilinear")
    second = beta2 * second + (1 - beta2) * gradient**2
    assert before["step"] == 3
    assert after["step"] == 4
    torch.testing.assert_close(after["exp_avg"], first, rtol=1e-4, atol=1e-9)
    move = 0.01 * (first / (1 - 0.9**4)) / ((second / (1 - beta2**4)).sqrt() + 1e-8)
    torch.testing.assert_close(x, (start - move).clamp(0, 1), rtol=0, atol=1e-5)


def test_without_it_every_scale_begins_anew():
    steps, _ = seen()
    carried, _ = seen(carry_over=True)
    assert steps[2].losses == carried[2].losses
    assert steps[3].losses == carried[3].losses  # of the same picture
    assert steps[4].losses["total"] != carried[4].losses["total"]


SCALES = {"scale_factor": 2**0.5, "first_steps": 4, "carry_over": True, "border": "replicate", "average": 0.8}


@pytest.mark.parametrize("stop", [2, 4, 5, 7, 8])
def test_a_run_that_was_stopped_ends_where_it_would_have(stop, tmp_path):
    options = QUICK | SCALES | {"tv_weight": 1.0, "tv_loss": "nine_point", "beta2": 0.9}
    whole = stylize(CONTENT, STYLE, **options)
    half = stylize(CONTENT, STYLE, **options, on_step=lambda s: s.done == stop)
    save_checkpoint(half.checkpoint, tmp_path / "half.safetensors")
    resumed = stylize(CONTENT, STYLE, **options, resume=load_checkpoint(tmp_path / "half.safetensors"))
    assert torch.equal(resumed.image, whole.image)


def test_a_checkpoint_from_before_these_options_goes_on_as_it_was():
    whole = stylize(CONTENT, STYLE, **QUICK)
    half = stylize(CONTENT, STYLE, **QUICK, on_step=lambda s: s.done == 4)
    older = {k: v for k, v in half.checkpoint["options"].items() if k not in ADDED}
    resumed = stylize(CONTENT, STYLE, **QUICK, resume={**half.checkpoint, "options": older})
    assert torch.equal(resumed.image, whole.image)
    with pytest.raises(ValueError, match=r"resume: the stored run has scale_factor=2\.0, this one 1\.5"):
        stylize(CONTENT, STYLE, **QUICK, scale_factor=1.5, resume={**half.checkpoint, "options": older})
