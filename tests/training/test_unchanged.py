"""A run goes on with what it began with, and with nothing else."""

import pytest
import torch
from torch import nn

from nstkit.training.unchanged import Unchanged


def module(seed):
    torch.manual_seed(seed)
    return nn.Conv2d(3, 4, 1)


def test_the_same_values_are_taken_up_in_any_layout():
    style = torch.rand(1, 3, 5, 7)
    stored = Unchanged(style=style, encoder=module(1)).state_dict()
    other = style.to(memory_format=torch.channels_last)
    Unchanged(style=other, encoder=module(1).to(memory_format=torch.channels_last)).load_state_dict(stored)


@pytest.mark.parametrize(
    ("style", "encoder", "name"),
    [
        (torch.zeros(2, 3), module(2), "encoder"),
        (torch.full((2, 3), 1e-7), module(1), "style"),
        (torch.zeros(3, 2), module(1), "style"),
    ],
)
def test_another_value_is_refused_by_name(style, encoder, name):
    stored = Unchanged(style=torch.zeros(2, 3), encoder=module(1)).state_dict()
    with pytest.raises(ValueError, match=f"resume: the stored run had another {name}; give the one"):
        Unchanged(style=style, encoder=encoder).load_state_dict(stored)
