"""A run that was stopped and resumed equals one that was not, bit by bit; and it is watched as promised."""

import random

import numpy as np
import pytest
import torch
from torch import nn

from nstkit.training import (
    Batches,
    NonFiniteTraining,
    WeightEMA,
    fit,
    keep_checkpoints,
    load_training,
    save_training,
)

ROWS = torch.randn(11, 3, generator=torch.Generator().manual_seed(0))


class Job:
    """Two networks in turn, dropout, batch norm, two optimisers, a schedule, an average, every kind of chance."""

    def __init__(self, workers=0):
        torch.manual_seed(1)
        self.a = nn.Sequential(nn.Linear(3, 6), nn.BatchNorm1d(6), nn.Dropout(0.3), nn.Linear(6, 2))
        self.b = nn.Linear(2, 1)
        self.opt_a = torch.optim.Adam(self.a.parameters(), lr=0.02)
        self.opt_b = torch.optim.SGD(self.b.parameters(), lr=0.05, momentum=0.9)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.opt_a, lambda k: 0.9**k)
        self.ema = WeightEMA(self.a, 0.7)
        self.generator = torch.Generator().manual_seed(2)
        jitter = lambda x, g: x + 0.1 * torch.randn(3, generator=g)  # noqa: E731
        self.data = [
            Batches(ROWS, 4, seed=3, transform=jitter, workers=workers),
            Batches(ROWS[:5], 4, seed=4),
        ]
        self.seen = []

    @property
    def parts(self):
        names = ("a", "b", "opt_a", "opt_b", "schedule", "ema", "generator")
        return {name: getattr(self, name) for name in names}

    def step(self, x, y):
        self.seen.append(float(x.sum()))
        chance = random.random() + float(np.random.rand()) + float(torch.rand((), generator=self.generator))  # noqa: NPY002
        loss = self.b(self.a(x)).square().mean() * chance + self.b(self.a(y)).mean()
        self.opt_a.zero_grad()
        self.opt_b.zero_grad()
        loss.backward()
        self.opt_a.step()
        self.opt_b.step()
        return {"loss": loss.detach(), "chance": chance}

    def weights(self):
        modules = [*self.a.state_dict().values(), *self.b.state_dict().values()]
        return [t.clone() for t in modules] + list(self.ema.weights().values())


@pytest.fixture(autouse=True)
def _chance():
    """Leave the random state as it was."""
    kept = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    random.seed(5)
    np.random.seed(6)  # noqa: NPY002
    yield
    random.setstate(kept[0])
    np.random.set_state(kept[1])  # noqa: NPY002
    torch.set_rng_state(kept[2])


def start():
    random.seed(5)
    np.random.seed(6)  # noqa: NPY002


@pytest.mark.parametrize("stop", [1, 4, 9])
@pytest.mark.parametrize("workers", [0, 2])
def test_stopped_and_resumed_equals_uninterrupted(stop, workers, tmp_path):
    start()
    whole = Job()
    assert fit(whole.step, whole.data, whole.parts, steps=12).finished
    start()
    first = Job(workers)
    stopped = fit(first.step, first.data, first.parts, steps=12, on_step=lambda s: s.step == stop)
    assert (stopped.finished, stopped.step) == (False, stop)
    save_training(stopped.checkpoint, tmp_path / "run")
    torch.manual_seed(99)
    random.seed(99)
    second = Job(workers)
    result = fit(second.step, second.data, second.parts, steps=12, resume=load_training(tmp_path / "run"))
    assert result.finished
    assert result.checkpoint is None
    assert first.seen + second.seen == whole.seen
    for a, b in zip(second.weights(), whole.weights(), strict=True):
        assert torch.equal(a, b)


def test_a_checkpoint_is_of_its_moment():
    job, stored = Job(), []
    fit(
        job.step,
        job.data,
        job.parts,
        steps=6,
        on_step=lambda s: stored.append(s.checkpoint()) if s.step == 3 else None,
    )
    start_of_4 = [t.clone() for t in stored[0]["parts"]["a"].values()]
    again = Job()
    fit(again.step, again.data, again.parts, steps=3, resume=stored[0])
    for a, b in zip(again.a.state_dict().values(), start_of_4, strict=True):
        assert torch.equal(a, b)


def test_every_step_is_reported_and_schedules_and_averages_move_once_each():
    job, seen = Job(), []
    fit(
        job.step,
        job.data,
        job.parts,
        steps=5,
        on_step=lambda s: seen.append((s.step, s.steps, sorted(s.losses))),
    )
    assert seen == [(k, 5, ["chance", "loss"]) for k in range(1, 6)]
    assert job.ema.updates == 5
    assert job.opt_a.param_groups[0]["lr"] == pytest.approx(0.02 * 0.9**5)


def test_checkpoints_are_kept_on_file(tmp_path):
    job = Job()
    fit(job.step, job.data, job.parts, steps=4, on_step=keep_checkpoints(tmp_path / "run", seconds=0))
    assert load_training(tmp_path / "run")["step"] == 4
    more = Job()
    result = fit(more.step, more.data, more.parts, steps=6, resume=load_training(tmp_path / "run"))
    assert (result.step, len(more.seen)) == (6, 2)


def test_a_loss_that_is_not_finite_stops_the_run():
    data = Batches(ROWS, 4)
    with pytest.raises(NonFiniteTraining, match=r"the loss 'd' is not finite \(step 20 or up to 19 before\)"):
        fit(lambda x: {"d": torch.tensor(float("nan")), "g": 1.0}, data, {}, steps=50)


def test_checkpoints_of_other_runs_are_refused():
    job = Job()
    stored = fit(job.step, job.data, job.parts, steps=5, on_step=lambda s: s.step == 2).checkpoint
    other = Job()
    with pytest.raises(ValueError, match=r"resume: the stored run has the parts a, b, .* this one a$"):
        fit(other.step, other.data, {"a": other.a}, steps=5, resume=stored)
    with pytest.raises(ValueError, match="resume: the stored run had the data"):
        fit(other.step, [Batches(ROWS, 3), other.data[1]], other.parts, steps=5, resume=stored)
    with pytest.raises(ValueError, match="resume: the stored run has done 2 steps, more than steps=1"):
        fit(other.step, other.data, other.parts, steps=1, resume=stored)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_it_resumes_on_the_gpu():
    def run(resume=None, stop=None):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 1)).cuda()
        optimizer = torch.optim.Adam(net.parameters(), lr=0.01)

        def step(x):
            optimizer.zero_grad()
            loss = net(x.cuda()).square().mean()
            loss.backward()
            optimizer.step()
            return {"loss": loss.detach()}

        result = fit(step, Batches(ROWS, 4), {"net": net, "optimizer": optimizer}, steps=8, resume=resume,
                     on_step=lambda s: s.step == stop)  # fmt: skip
        return result.checkpoint, [p.detach().clone() for p in net.parameters()]

    _, whole = run()
    stored, _ = run(stop=3)
    _, resumed = run(resume=stored)
    assert all(torch.equal(a, b) for a, b in zip(whole, resumed, strict=True))
