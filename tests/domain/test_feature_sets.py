"""Sets of feature vectors: their moments agree with NumPy, and what cannot be compared is refused by name."""

import numpy as np
import pytest
import torch
from feature_clouds import cloud

from nstkit.domain import mean_and_covariance
from nstkit.domain.feature_sets import check_feature_sets


def test_moments_agree_with_numpy_for_each_set_of_a_batch():
    rows = torch.stack([cloud(9, 4, 0), cloud(9, 4, 1)])
    mean, covariance = mean_and_covariance(rows.mT.contiguous().mT)
    for b in range(2):
        np.testing.assert_allclose(mean[b, 0], rows[b].numpy().mean(0), rtol=1e-12)
        np.testing.assert_allclose(covariance[b], np.cov(rows[b].numpy().T), rtol=1e-10)


def test_moments_keep_the_dtype():
    assert {m.dtype for m in mean_and_covariance(cloud(9, 4, dtype=torch.float32))} == {torch.float32}


def test_a_feature_map_is_told_how_to_become_a_set():
    with pytest.raises(
        ValueError, match=r"a: expected \(n, d\), .*got \(4, 5, 7\); .*take \.flatten\(1\)\.mT"
    ):
        check_feature_sets(torch.ones(4, 5, 7), torch.ones(3, 4), ("a", "b"))


@pytest.mark.parametrize(("least", "word"), [(1, "1 sample,"), (2, "2 samples,")])
def test_too_few_samples_are_counted(least, word):
    with pytest.raises(ValueError, match=f"b: expected at least {word} got {least - 1}"):
        check_feature_sets(torch.ones(3, 4), torch.ones(least - 1, 4), ("a", "b"), least)
