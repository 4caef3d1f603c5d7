"""What transfers' tests share."""

import pytest
import torch


@pytest.fixture(scope="module")
def one_thread():
    """Small pictures go faster so, and come to the same bits on any machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
