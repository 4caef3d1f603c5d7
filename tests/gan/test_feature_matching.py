"""Feature matching agrees with written-out loops and closed forms, and reaches the generator alone."""

import pytest
import torch

from nstkit.gan import feature_matching_loss, multiscale_feature_matching

SHAPES = [(5, 4, 7), (3, 6, 5), (9,)]


def draw(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def layers():
    """Two batches of different size at three layers, with means away from zero."""
    real = [draw(3, *shape, seed=k) + 0.4 for k, shape in enumerate(SHAPES)]
    return real, [draw(4, *shape, seed=9 + k) * 2 for k, shape in enumerate(SHAPES)]


@pytest.fixture
def scales():
    """Three scales of two, three and four layers; the last of each is the score map."""
    shapes = [[(2, 4, 6, 5), (2, 1, 3, 4)], [(2, 3, 5, 4), (2, 7, 2, 3), (2, 1, 2, 2)]]
    shapes.append([(2, 3, 3, 4), (2, 6, 4, 2), (2, 5, 1, 3), (2, 1, 3, 1)])
    real = [[draw(*s, seed=10 * d + k) for k, s in enumerate(row)] for d, row in enumerate(shapes)]
    return real, [[draw(*s, seed=99 + 10 * d + k) for k, s in enumerate(row)] for d, row in enumerate(shapes)]


def squared_gap_of_means(real, fake):
    """Feature by feature in plain Python."""
    total = 0.0
    for r, f in zip(real, fake, strict=True):
        for column_r, column_f in zip(r.flatten(1).T.tolist(), f.flatten(1).T.tolist(), strict=True):
            total += (sum(column_r) / len(column_r) - sum(column_f) / len(column_f)) ** 2
    return total


def mean_of_means(real, fake, lam):
    per_scale = []
    for r, f in zip(real, fake, strict=True):
        gaps = []
        for x, y in list(zip(r, f, strict=True))[:-1]:
            pairs = list(zip(x.flatten().tolist(), y.flatten().tolist(), strict=True))
            gaps.append(sum(abs(a - b) for a, b in pairs) / len(pairs))
        per_scale.append(sum(gaps) / len(gaps))
    return lam * sum(per_scale) / len(per_scale)


@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_batch_means_agree_with_loops(layers, dtype, rtol):
    real, fake = ([x.to(dtype) for x in side] for side in layers)
    loss = feature_matching_loss(real, fake)
    assert (loss.shape, loss.dtype) == ((), dtype)
    assert float(loss) == pytest.approx(squared_gap_of_means(real, fake), rel=rtol)


def test_a_constant_offset_costs_its_square_times_the_number_of_features():
    real = [draw(6, 5, 4, 7)]
    assert float(feature_matching_loss(real, [real[0] + 0.3])) == pytest.approx(0.09 * 5 * 4 * 7, rel=1e-12)


def test_the_order_and_the_number_of_samples_do_not_matter(layers):
    real, fake = layers
    loss = feature_matching_loss(real, fake)
    shuffled = [x[torch.tensor([2, 0, 3, 1])] for x in fake]
    torch.testing.assert_close(feature_matching_loss(real, shuffled), loss, rtol=1e-12, atol=0)
    torch.testing.assert_close(
        feature_matching_loss(real, [torch.cat([x, x]) for x in fake]), loss, rtol=1e-12, atol=0
    )


def test_every_fake_sample_gets_the_same_gradient_and_no_real_one_any(layers):
    real, fake = ([x.clone().requires_grad_() for x in side] for side in layers)
    feature_matching_loss(real, fake).backward()
    assert all(r.grad is None for r in real)
    for r, f in zip(real, fake, strict=True):
        expected = 2 * (f.mean(0) - r.mean(0)).detach() / len(f)
        torch.testing.assert_close(f.grad, expected.expand_as(f), rtol=1e-12, atol=1e-15)


def test_it_is_the_mmd_with_a_linear_kernel(layers):
    real, fake = layers[0][0].flatten(1), layers[1][0].flatten(1)
    mmd = (real @ real.T).mean() + (fake @ fake.T).mean() - 2 * (real @ fake.T).mean()
    torch.testing.assert_close(feature_matching_loss([real], [fake]), mmd, rtol=1e-10, atol=0)


@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_several_scales_agree_with_loops(scales, dtype, rtol):
    real, fake = ([[x.to(dtype) for x in row] for row in side] for side in scales)
    loss = multiscale_feature_matching(real, fake, lam=7.0)
    assert (loss.shape, loss.dtype) == ((), dtype)
    assert float(loss) == pytest.approx(mean_of_means(real, fake, 7.0), rel=rtol)
    assert float(multiscale_feature_matching(real, fake)) == pytest.approx(
        mean_of_means(real, fake, 10.0), rel=rtol
    )


def test_a_constant_offset_costs_lambda_times_its_size(scales):
    real = scales[0]
    fake = [[x - 0.25 for x in row] for row in real]
    assert float(multiscale_feature_matching(real, fake, lam=8.0)) == pytest.approx(2.0, rel=1e-12)


def test_the_score_map_counts_nothing(scales):
    real, fake = scales
    other = [[*row[:-1], row[-1] + 100] for row in fake]
    assert multiscale_feature_matching(real, other) == multiscale_feature_matching(real, fake)


def test_the_gradient_is_a_sign_and_stays_with_the_fake(scales):
    real, fake = ([[x.clone().requires_grad_() for x in row] for row in side] for side in scales)
    multiscale_feature_matching(real, fake).backward()
    for r, f in zip(real, fake, strict=True):
        assert all(x.grad is None for x in r)
        assert f[-1].grad is None
        for x, y in zip(r[:-1], f[:-1], strict=True):
            expected = 10 * (y - x).detach().sign() / (len(real) * (len(r) - 1) * x.numel())
            torch.testing.assert_close(y.grad, expected, rtol=1e-12, atol=0)


def test_derivatives_agree_with_finite_differences():
    real, fake = [draw(2, 3, 4)], draw(3, 3, 4, seed=5).requires_grad_()
    assert torch.autograd.gradcheck(lambda f: feature_matching_loss(real, [f]), fake)
    pair = draw(2, 3, 4, seed=6).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda f: multiscale_feature_matching([[real[0], pair]], [[f, pair]]), pair
    )


def test_the_memory_layout_does_not_matter(layers):
    real, fake = layers
    strided = [torch.stack([x, x], -1)[..., 0] for x in fake]
    torch.testing.assert_close(feature_matching_loss(real, strided), feature_matching_loss(real, fake))


@pytest.mark.parametrize(
    ("real", "fake", "message"),
    [
        ([], [], r"real, fake: expected one entry per layer in both, got 0 and 0"),
        ([draw(2, 3)], [draw(2, 3), draw(2, 4)], r"per layer in both, got 1 and 2"),
        ([draw(2, 3, 4)], [draw(2, 4, 3)], r"fake: expected \(N, 3, 4\) at layer 0 .*got \(2, 4, 3\)"),
        ([draw(0, 3)], [draw(2, 3)], r"expected \(N, ...\) with samples at layer 0, got none"),
    ],
)
def test_layers_that_do_not_fit_are_refused(real, fake, message):
    with pytest.raises(ValueError, match=message):
        feature_matching_loss(real, fake)


@pytest.mark.parametrize(
    ("real", "fake", "message"),
    [
        ([], [], r"per scale in both, got 0 and 0"),
        ([[draw(2, 3)]], [[draw(2, 3)]], r"real\[0\]: expected features and then the score map, got 1 layer"),
        ([[draw(2, 3), draw(2)]], [[draw(2, 3)]], r"per layer in both, got 2 and 1"),
        ([[draw(2, 3), draw(2)]], [[draw(3, 3), draw(3)]], r"fake\[0\]\[0\]: expected \(2, 3\) .*\(3, 3\)"),
        ([[draw(2, 3), draw(2)]], [[draw(2, 3), draw(2, 1)]], r"fake\[0\]\[1\]: expected \(2,\) .*\(2, 1\)"),
    ],
)
def test_scales_that_do_not_fit_are_refused(real, fake, message):
    with pytest.raises(ValueError, match=message):
        multiscale_feature_matching(real, fake)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees(layers):
    real, fake = layers
    gpu = feature_matching_loss([x.cuda() for x in real], [x.cuda() for x in fake])
    assert gpu.is_cuda
    torch.testing.assert_close(gpu.cpu(), feature_matching_loss(real, fake), rtol=1e-10, atol=0)
