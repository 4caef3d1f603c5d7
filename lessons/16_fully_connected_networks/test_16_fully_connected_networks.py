"""Lesson 16, dense layers: one run as a convolution, one that modulates styles, one by hand, and what they cost."""

import numpy as np
import torch
from torch.nn import functional as F

from nstkit.grading import exercise, gradient, outcome

# --- 16.1 -----------------------------------------------------------------------------------------

dense_as_conv = exercise(
    "dense_as_conv",
    reference="nstkit.encoders:dense_as_conv",
    level="medium",
    minutes=15,
    hints=[
        "A dense layer on a small map is one inner product per output; a convolution takes it at every place.",
        "Rows of the weight are kernels (C, kh, kw), channel slowest; the result is (N, O, H − kh + 1, W − kw + 1).",
        "weight.reshape(O, C, kh, kw) and F.conv2d with the bias; what remains is to check the sizes.",
    ],
)


def _dense(draw, dtype=torch.float64):
    """A larger map, and a dense layer for (4, 2, 3) maps with five outputs."""
    return draw.tensor(2, 4, 6, 9, dtype=dtype), draw.tensor(5, 24, dtype=dtype), draw.tensor(5, dtype=dtype)


@dense_as_conv.check(points=2)
def every_valid_position(answer, draw):
    """A layer for 2 x 3 windows on a 6 x 9 map: 5 x 7 places, five outputs."""
    return answer(*_dense(draw), (2, 3))


@dense_as_conv.check(points=1)
def on_the_trained_size(answer, draw):
    """On a map of the kernel's size it is the dense layer itself; a 1 x 1 kernel works per place."""
    feat, weight, bias = _dense(draw)
    return {
        "the layer": answer(feat[:, :, :2, :3], weight, bias, (2, 3)),
        "1 x 1": answer(feat, draw.tensor(3, 4), draw.tensor(3), (1, 1)),
    }


@dense_as_conv.check(points=1)
def gradients_to_all_three(answer, draw):
    """Map, weight and bias get their gradients."""
    return gradient(lambda f, w, b: answer(f, w, b, (2, 3)), *_dense(draw))


@dense_as_conv.check(points=1)
def float32_and_strides(answer, draw):
    """float32 stays float32; a map that is not contiguous, a weight that is a transpose."""
    return {
        "float32": answer(*_dense(draw, torch.float32), (3, 2)),
        "strided": answer(
            draw.tensor(3, 2, 5, 7, strided=True), draw.tensor(12, 4).T, draw.tensor(4), (2, 3)
        ),
    }


@dense_as_conv.check(points=1)
def layers_that_do_not_fit_are_refused(answer, draw):
    """ValueError where the weight has other columns, or the map is smaller than the kernel."""
    feat, weight, bias = _dense(draw)
    return {
        "kernel 3 x 3": outcome(answer, feat, weight, bias, (3, 3)),
        "other channels": outcome(answer, feat[:, :3], weight, bias, (2, 3)),
        "too low": outcome(answer, feat[:, :, :1], weight, bias, (2, 3)),
        "too narrow": outcome(answer, feat[..., :2], weight, bias, (2, 3)),
    }


def _refuse_dense(feat, weight, kernel_hw):
    kh, kw = kernel_hw
    if weight.shape[1] != feat.shape[1] * kh * kw or feat.shape[2] < kh or feat.shape[3] < kw:
        raise ValueError("weight, feat")
    return len(weight), feat.shape[1], kh, kw


@dense_as_conv.misconception(
    "You read the rows as (kh, kw, C), but the channel is slowest in a flattened map; view as (O, C, kh, kw)."
)
def reads_the_channel_last(feat, weight, bias, kernel_hw):
    o, c, kh, kw = _refuse_dense(feat, weight, kernel_hw)
    return F.conv2d(feat, weight.reshape(o, kh, kw, c).permute(0, 3, 1, 2), bias)


@dense_as_conv.misconception(
    "You flipped the kernel; convolution in deep learning is cross-correlation, do not flip."
)
def flips_the_dense_kernel(feat, weight, bias, kernel_hw):
    return F.conv2d(feat, weight.reshape(_refuse_dense(feat, weight, kernel_hw)).flip(2, 3), bias)


@dense_as_conv.misconception("You forgot the bias; every position needs the dense layer's bias.")
def forgets_the_dense_bias(feat, weight, bias, kernel_hw):
    return F.conv2d(feat, weight.reshape(_refuse_dense(feat, weight, kernel_hw)))


@dense_as_conv.misconception("You moved by a whole kernel, which tiles the map; slide by one.")
def tiles_the_map(feat, weight, bias, kernel_hw):
    return F.conv2d(feat, weight.reshape(_refuse_dense(feat, weight, kernel_hw)), bias, stride=kernel_hw)


@dense_as_conv.misconception(
    "You padded to keep the size; only positions where the whole window fits are defined."
)
def pads_the_map(feat, weight, bias, kernel_hw):
    kernel = weight.reshape(_refuse_dense(feat, weight, kernel_hw))
    return F.conv2d(feat, kernel, bias, padding="same")


@dense_as_conv.misconception("You exchanged kh and kw; kernel_hw is (height, width).")
def exchanges_height_and_width(feat, weight, bias, kernel_hw):
    o, c, kh, kw = _refuse_dense(feat, weight, kernel_hw)
    return F.conv2d(feat, weight.reshape(o, c, kw, kh), bias)


@dense_as_conv.accepts
def by_conv2d(feat, weight, bias, kernel_hw):
    return F.conv2d(feat, weight.reshape(_refuse_dense(feat, weight, kernel_hw)), bias)


@dense_as_conv.accepts
def by_unfold_and_a_product(feat, weight, bias, kernel_hw):
    _refuse_dense(feat, weight, kernel_hw)
    columns = F.unfold(feat, kernel_hw)  # (N, C·kh·kw, places)
    out = weight @ columns + bias[:, None]
    return out.unflatten(2, (feat.shape[2] - kernel_hw[0] + 1, feat.shape[3] - kernel_hw[1] + 1))


@dense_as_conv.accepts
def by_windows(feat, weight, bias, kernel_hw):
    o, c, kh, kw = _refuse_dense(feat, weight, kernel_hw)
    windows = feat.unfold(2, kh, 1).unfold(3, kw, 1)
    out = torch.einsum("nchwij,ocij->nohw", windows, weight.reshape(o, c, kh, kw))
    return out + bias[None, :, None, None]


# --- 16.2 -----------------------------------------------------------------------------------------

style_modulation = exercise(
    "style_modulation",
    reference="nstkit.transfer:style_modulation",
    level="medium",
    minutes=20,
    hints=[
        "First take every channel's own mean and spread away, image by image; then give it those the code asks for.",
        "code @ weight.T + bias is (N, 2C): the first C are the scales, the last C the shifts, as (N, C, 1, 1).",
        "xhat = (x − μ)/sqrt(var + eps) over (2, 3) with the variance divided by H·W; then gamma · xhat + beta.",
    ],
)


def _modulated(draw, dtype=torch.float64, size=(3, 4)):
    """Few positions, channels of different strength, three images with codes of their own."""
    x = draw.tensor(3, 5, *size, dtype=dtype) * torch.linspace(0.1, 3, 5, dtype=dtype)[:, None, None]
    code, weight = draw.tensor(3, 6, dtype=dtype), draw.tensor(10, 6, dtype=dtype)
    return draw.watch(x + 0.5, "x"), code, weight, draw.tensor(10, dtype=dtype)


@style_modulation.check(points=2)
def three_codes(answer, draw):
    """Three images, three codes, few positions."""
    return answer(*_modulated(draw))


@style_modulation.check(points=1)
def where_eps_belongs(answer, draw):
    """A large eps shows that it stands inside the root; by keyword too."""
    parts = _modulated(draw)
    return {"0.01": answer(*parts, 1e-2), "0.5": answer(*parts, eps=0.5)}


@style_modulation.check(points=1)
def gradients_to_all_four(answer, draw):
    """Maps, code, weight and bias get their gradients."""
    return gradient(lambda *t: answer(*t, 1e-2), *_modulated(draw))


@style_modulation.check(points=1)
def one_position_and_float32(answer, draw):
    """With H = W = 1 the result is beta; float32 stays float32; strides do not matter."""
    x, code, weight, bias = _modulated(draw)
    return {
        "one position": answer(x[:, :, :1, :1], code, weight, bias),
        "float32": answer(*_modulated(draw, torch.float32)),
        "strided": answer(draw.tensor(3, 5, 2, 6, strided=True), code, weight, bias),
    }


@style_modulation.check(points=1)
def parts_that_do_not_fit_are_refused(answer, draw):
    """ValueError for a weight without 2C rows, another batch, eps that is not positive."""
    x, code, weight, bias = _modulated(draw)
    return {
        "C rows": outcome(answer, x, code, weight[:5], bias[:5]),
        "one code for three": outcome(answer, x, code[:1], weight, bias),
        "two codes": outcome(answer, x, code[:2], weight, bias),
        "eps 0": outcome(answer, x, code, weight, bias, 0.0),
        "eps below 0": outcome(answer, x, code, weight, bias, -1e-5),
    }


def _refuse_modulation(x, code, weight, eps):
    if len(weight) != 2 * x.shape[1] or len(code) != len(x) or eps <= 0:
        raise ValueError("weight, code, eps")


def _modulate(
    x, code, weight, bias, eps, dims=(2, 3), correction=0, root=lambda v, e: (v + e).sqrt(), one=0.0,
    split=lambda p, c: (p[:, :c], p[:, c:]),
):  # fmt: skip
    """The formula with the switches that the misconceptions throw."""
    _refuse_modulation(x, code, weight, eps)
    gamma, beta = split(code @ weight.T + bias, x.shape[1])
    few = x[0, 0].numel() == 1 and correction == 1
    variance = x.var(dims, correction=0 if few else correction, keepdim=True)
    hat = (x - x.mean(dims, keepdim=True)) / root(variance, eps)
    return (one + gamma[..., None, None]) * hat + beta[..., None, None]


@style_modulation.misconception(
    "You took statistics over the batch; style is per image, so normalise each sample on its own."
)
def normalises_over_the_batch(x, code, weight, bias, eps=1e-5):
    return _modulate(x, code, weight, bias, eps, dims=(0, 2, 3))


@style_modulation.misconception("You normalised over the channels, as layer norm does; keep channels apart.")
def normalises_over_the_channels(x, code, weight, bias, eps=1e-5):
    return _modulate(x, code, weight, bias, eps, dims=(1, 2, 3))


@style_modulation.misconception("You divided the variance by H·W − 1; divide by H·W.")
def takes_the_unbiased_variance(x, code, weight, bias, eps=1e-5):
    return _modulate(x, code, weight, bias, eps, correction=1)


@style_modulation.misconception("You added eps to the root; it belongs inside, beside the variance.")
def adds_eps_to_the_root(x, code, weight, bias, eps=1e-5):
    return _modulate(x, code, weight, bias, eps, root=lambda v, e: (v + 1e-300).sqrt() + e)


@style_modulation.misconception("You exchanged the halves; the first C outputs are gamma, the last C beta.")
def exchanges_the_halves(x, code, weight, bias, eps=1e-5):
    return _modulate(x, code, weight, bias, eps, split=lambda p, c: (p[:, c:], p[:, :c]))


@style_modulation.misconception(
    "You took gamma and beta in turns; the first C outputs are all the gammas, the last C all the betas."
)
def interleaves_the_halves(x, code, weight, bias, eps=1e-5):
    return _modulate(x, code, weight, bias, eps, split=lambda p, c: (p[:, ::2], p[:, 1::2]))


@style_modulation.misconception(
    "You scaled by 1 + gamma; here gamma is the full scale, the 1 + form is another convention."
)
def adds_one_to_gamma(x, code, weight, bias, eps=1e-5):
    return _modulate(x, code, weight, bias, eps, one=1.0)


@style_modulation.accepts
def by_instance_norm_of_torch(x, code, weight, bias, eps=1e-5):
    _refuse_modulation(x, code, weight, eps)
    gamma, beta = F.linear(code, weight, bias)[:, :, None, None].chunk(2, dim=1)
    if x.shape[2:] == (1, 1):
        return beta + 0 * x
    return torch.addcmul(beta, gamma, F.instance_norm(x, eps=eps))


@style_modulation.accepts
def by_var_mean_of_torch(x, code, weight, bias, eps=1e-5):
    _refuse_modulation(x, code, weight, eps)
    variance, mean = torch.var_mean(x, dim=(2, 3), correction=0, keepdim=True)
    p = torch.einsum("ns,ps->np", code, weight) + bias
    gamma, beta = p.reshape(len(x), 2, -1, 1, 1).unbind(1)
    return gamma * (x - mean) * torch.rsqrt(variance + eps) + beta


# --- 16.3 -----------------------------------------------------------------------------------------

mlp_backward = exercise(
    "mlp_backward",
    reference="nstkit.theory:mlp_backward",
    level="medium",
    minutes=25,
    hints=[
        "Walk back through the forward pass: a product gives two gradients; the ReLU lets through where it was on.",
        "Every gradient has the shape of what it belongs to: (O, H) for w2 comes from (N, O) and (N, H).",
        "dh = (dy @ w2) · (pre > 0); then dh.T @ x, dh.sum(0), dh @ w1; and dy.T @ a, dy.sum(0).",
    ],
)

_NAMES = ("x", "w1", "b1", "w2", "b2")


def _perceptron(draw, n=6, d=3, h=5, o=4):
    shapes = (n, d), (h, d), (h,), (o, h), (o,), (n, o)
    return [draw.array(*shape) for shape in shapes]


def _by_name(grads):
    return {name: grads[name] for name in _NAMES} | {"keys": sorted(grads)}


@mlp_backward.check(points=2)
def all_five_gradients(answer, draw):
    """Six rows, three inputs, five hidden units, four outputs."""
    return _by_name(answer(*_perceptron(draw)))


@mlp_backward.check(points=1)
def other_sizes(answer, draw):
    """More outputs than hidden units, fewer rows; strided inputs."""
    x, *rest = _perceptron(draw, 2, 7, 3, 8)
    return {
        "wide": _by_name(answer(x, *rest)),
        "strided": _by_name(answer(draw.array(2, 7, strided=True), *rest)),
    }


@mlp_backward.check(points=1)
def units_at_zero(answer, draw):
    """A unit whose pre-activation is exactly 0 passes nothing."""
    x, w1, b1, w2, b2, dy = _perceptron(draw)
    w1, b1 = w1.copy(), b1.copy()
    w1[1], b1[1] = 0, 0
    w1[3], b1[3] = 0, -1
    return _by_name(answer(x, draw.watch(w1, "w1"), draw.watch(b1, "b1"), w2, b2, dy))


@mlp_backward.check(points=1)
def only_the_batch_sum_counts(answer, draw):
    """Rows doubled with half of dy each: the weights' gradients stay."""
    x, w1, b1, w2, b2, dy = _perceptron(draw)
    twice = answer(np.concatenate([x, x]), w1, b1, w2, b2, np.concatenate([dy, dy]) / 2)
    return _by_name(twice)


@mlp_backward.check(points=1)
def shapes_that_do_not_fit_are_refused(answer, draw):
    """ValueError for shapes that are not consistent."""
    parts = dict(zip((*_NAMES, "dy"), _perceptron(draw), strict=True))
    bad = {
        "x": draw.array(6, 4), "w1": draw.array(5, 2), "b1": draw.array(4), "w2": draw.array(4, 4),
        "b2": draw.array(3), "dy": draw.array(5, 4),
    }  # fmt: skip
    return {
        name: outcome(lambda p: answer(*p.values()), parts | {name: value}) for name, value in bad.items()
    }


def _refuse_perceptron(x, w1, b1, w2, b2, dy):
    fits = x.shape[1] == w1.shape[1] and b1.shape == w1.shape[:1] and w2.shape[1] == len(w1)
    if not fits or b2.shape != w2.shape[:1] or dy.shape != (len(x), len(w2)):
        raise ValueError("shapes")


def _backward(x, w1, b1, w2, b2, dy, mask=lambda pre, back: pre > 0, bias=np.sum, seen=None, share=1.0):
    """The backward pass with the switches that the misconceptions throw."""
    _refuse_perceptron(x, w1, b1, w2, b2, dy)
    pre = x @ w1.T + b1
    back = dy @ w2
    dh = back * mask(pre, back)
    hidden = np.maximum(pre, 0) if seen is None else seen(pre)
    return {
        "x": dh @ w1,
        "w1": dh.T @ x * share,
        "b1": bias(dh, axis=0) * share,
        "w2": dy.T @ hidden * share,
        "b2": bias(dy, axis=0) * share,
    }


@mlp_backward.misconception("You left the ReLU out; a gradient cannot pass a unit that was off.")
def passes_dead_units(x, w1, b1, w2, b2, dy):
    return _backward(x, w1, b1, w2, b2, dy, mask=lambda pre, back: 1.0)


@mlp_backward.misconception(
    "You masked by the sign of the incoming gradient; the mask depends on the pre-activation."
)
def masks_by_the_gradient(x, w1, b1, w2, b2, dy):
    return _backward(x, w1, b1, w2, b2, dy, mask=lambda pre, back: back > 0)


@mlp_backward.misconception("You let units at exactly 0 pass; the derivative of the ReLU at 0 is 0 here.")
def passes_units_at_zero(x, w1, b1, w2, b2, dy):
    return _backward(x, w1, b1, w2, b2, dy, mask=lambda pre, back: pre >= 0)


@mlp_backward.misconception(
    "You divided by N once more; dy already contains the averaging: sum over the batch."
)
def divides_by_the_batch(x, w1, b1, w2, b2, dy):
    return _backward(x, w1, b1, w2, b2, dy, share=1 / len(x))


@mlp_backward.misconception("You averaged the bias gradient; a bias is shared by all rows: sum.")
def averages_the_bias(x, w1, b1, w2, b2, dy):
    return _backward(x, w1, b1, w2, b2, dy, bias=np.mean)


@mlp_backward.misconception("You paired dy with the pre-activation; w2 saw the activation after the ReLU.")
def pairs_with_the_pre_activation(x, w1, b1, w2, b2, dy):
    return _backward(x, w1, b1, w2, b2, dy, seen=lambda pre: pre)


@mlp_backward.accepts
def by_einsums(x, w1, b1, w2, b2, dy):
    _refuse_perceptron(x, w1, b1, w2, b2, dy)
    a = np.clip(np.einsum("nd,hd->nh", x, w1) + b1, 0, None)
    dh = np.where(a > 0, np.einsum("no,oh->nh", dy, w2), 0.0)
    return {
        "b2": np.einsum("no->o", dy), "w2": np.einsum("no,nh->oh", dy, a), "b1": np.einsum("nh->h", dh),
        "w1": np.einsum("nh,nd->hd", dh, x), "x": np.einsum("nh,hd->nd", dh, w1),
    }  # fmt: skip


@mlp_backward.accepts
def row_by_row(x, w1, b1, w2, b2, dy):
    _refuse_perceptron(x, w1, b1, w2, b2, dy)
    out = {k: np.zeros_like(v) for k, v in zip(_NAMES, (x, w1, b1, w2, b2), strict=True)}
    for n in range(len(x)):
        z = w1 @ x[n] + b1
        h = np.where(z > 0, z, 0)
        out["w2"] += np.outer(dy[n], h)
        out["b2"] += dy[n]
        dz = (w2.T @ dy[n]) * np.sign(h)
        out["w1"] += np.outer(dz, x[n])
        out["b1"] += dz
        out["x"][n] = w1.T @ dz
    return out


# --- 16.4 -----------------------------------------------------------------------------------------

dense_vs_conv_cost = exercise(
    "dense_vs_conv_cost",
    reference="nstkit.encoders:layer_cost",
    level="easy",
    minutes=8,
    hints=[
        "A dense layer has one weight for every pair of an input and an output; a convolution shares its kernel.",
        "Parameters include biases: one per output unit, or one per output channel. Multiplications do not.",
        "A convolution multiplies k·k·c_in times for each of its c_out·h·w outputs.",
    ],
)


def _counts(cost):
    return {key: int(value) for key, value in cost.items()}


@dense_vs_conv_cost.check(points=2)
def small_layers(answer, draw):
    """Sizes that differ in everything."""
    sizes = [tuple(int(v) for v in draw.integers(2, 9, 4)) for _ in range(3)]
    return {f"{s}, {k}": _counts(answer(*s, k)) for s in sizes for k in (1, 3, 5)}


@dense_vs_conv_cost.check(points=1)
def layers_as_large_as_in_practice(answer, draw):
    """Numbers beyond 2⁶³ come out exactly; they are whole numbers."""
    cost = answer(2048, 4096, 512, 512, 3)
    return {"counts": _counts(cost), "whole": all(isinstance(v, int) for v in cost.values())}


@dense_vs_conv_cost.check(points=1)
def sizes_below_one_are_refused(answer, draw):
    """ValueError for any argument below 1."""
    size = [2, 3, 4, 5, 3]
    return {str(k): outcome(answer, *[0 if i == k else v for i, v in enumerate(size)]) for k in range(5)} | {
        "negative": outcome(answer, 2, -3, 4, 5, 3)
    }


def _cost(h, w, c_in, c_out, k, dense_bias=1, conv_bias=1, positions=None):
    if min(h, w, c_in, c_out, k) < 1:
        raise ValueError("sizes")
    inputs, outputs, taps = c_in * h * w, c_out * h * w, k * k * c_in
    return {
        "dense_params": inputs * outputs + dense_bias * outputs,
        "dense_macs": inputs * outputs,
        "conv_params": taps * c_out + conv_bias * c_out,
        "conv_macs": taps * c_out * (h * w if positions is None else positions),
    }


@dense_vs_conv_cost.misconception(
    "You left the biases out of the parameters; count one per output unit or channel."
)
def counts_no_biases(h, w, c_in, c_out, k):
    return _cost(h, w, c_in, c_out, k, 0, 0)


@dense_vs_conv_cost.misconception(
    "You counted the kernel's multiplications once; the kernel is applied at every position."
)
def counts_one_position(h, w, c_in, c_out, k):
    return _cost(h, w, c_in, c_out, k, positions=1)


@dense_vs_conv_cost.misconception(
    "You gave the convolution one bias per pixel; it shares one bias per output channel."
)
def counts_a_bias_per_pixel(h, w, c_in, c_out, k):
    return _cost(h, w, c_in, c_out, k, conv_bias=h * w)


@dense_vs_conv_cost.misconception(
    "You left the multiplications at the border out; they count, although they meet padding."
)
def counts_valid_positions_only(h, w, c_in, c_out, k):
    return _cost(h, w, c_in, c_out, k, positions=max(0, h - k + 1) * max(0, w - k + 1))


@dense_vs_conv_cost.misconception(
    "You counted additions too, or a multiplication as two; a multiply-accumulate counts once."
)
def counts_operations_twice(h, w, c_in, c_out, k):
    cost = _cost(h, w, c_in, c_out, k)
    return cost | {key: 2 * cost[key] for key in ("dense_macs", "conv_macs")}


@dense_vs_conv_cost.accepts
def by_plain_products(h, w, c_in, c_out, k):
    return _cost(h, w, c_in, c_out, k)


@dense_vs_conv_cost.accepts
def from_the_multiplications(h, w, c_in, c_out, k):
    if any(value <= 0 for value in (h, w, c_in, c_out, k)):
        raise ValueError("sizes")
    n = h * w
    conv = k**2 * c_in * c_out
    return {
        "conv_macs": conv * n,
        "conv_params": conv + c_out,
        "dense_macs": c_in * c_out * n**2,
        "dense_params": c_in * c_out * n**2 + c_out * n,
    }
