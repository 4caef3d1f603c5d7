"""The stream of batches depends on seed and number alone, and leaves nothing out."""

import pytest
import torch

from nstkit.training import Batches

ITEMS = torch.arange(10.0)[:, None] * torch.ones(2)


def stream(batches, count):
    return torch.cat([batches[k][:, 0] for k in range(count)])


@pytest.mark.parametrize("batch_size", [1, 3, 4, 10, 17])
def test_every_epoch_has_every_item_once_in_another_order(batch_size):
    seen = stream(Batches(ITEMS, batch_size, seed=2), 30)[: 3 * 10].view(-1, 10)[: 30 * batch_size // 10]
    for epoch in seen:
        assert sorted(epoch.tolist()) == list(range(10))
    if len(seen) > 1:
        assert seen[0].tolist() != seen[1].tolist()


def test_seeds_differ_and_numbers_can_be_asked_in_any_order():
    batches = Batches(ITEMS, 3, seed=2)
    forward = [batches[k] for k in range(12)]
    again = Batches(ITEMS, 3, seed=2)
    for k in (11, 0, 5, 5, 3):
        assert torch.equal(again[k], forward[k])
    assert not torch.equal(stream(Batches(ITEMS, 3, seed=3), 4), stream(batches, 4))


@pytest.mark.parametrize("workers", [0, 2])
def test_transforms_draw_from_their_own_generator(workers):
    def jitter(item, generator):
        return item + torch.rand(2, generator=generator)

    state = torch.get_rng_state()
    plain = [Batches(ITEMS, 4, seed=1, transform=jitter)[k] for k in range(8)]
    threaded = Batches(ITEMS, 4, seed=1, transform=jitter, workers=workers)
    for k in (0, 1, 2, 6, 7, 3):  # forward, a jump, and back
        assert torch.equal(threaded[k], plain[k])
    assert torch.equal(torch.get_rng_state(), state)
    assert len({float(x) for batch in plain for x in (batch % 1).ravel()}) > 60  # no draw repeats


def test_errors_of_a_transform_reach_the_caller():
    def fail(item, generator):
        raise OSError("damaged picture")

    for workers in (0, 1):
        with pytest.raises(OSError, match="damaged picture"):
            Batches(ITEMS, 2, transform=fail, workers=workers)[0]


def test_mistakes_are_named():
    for arguments in ((ITEMS[:0], 2), (ITEMS, 0)):
        with pytest.raises(ValueError, match="items, batch_size: expected at least one item"):
            Batches(*arguments)
    with pytest.raises(IndexError, match="at least 0, got -1"):
        Batches(ITEMS, 2)[-1]
