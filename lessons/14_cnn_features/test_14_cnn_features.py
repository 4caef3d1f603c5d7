"""Lesson 14, what the CNN contributes: receptive fields, features, convolution by hand, rescaling, AdaIN."""

import copy

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from nstkit.grading import exercise, gradient, outcome

# --- 14.1 -----------------------------------------------------------------------------------------

receptive_field = exercise(
    "receptive_field",
    reference="nstkit.encoders:receptive_field",
    level="medium",
    minutes=15,
    hints=[
        "A layer sees a few neighbours of the layer below. How far apart, in pixels of the image, are those?",
        "Carry two numbers up the stack: the extent r and the distance j between neighbouring outputs, both 1 first.",
        "Per layer first r grows by (k − 1) · dilation steps of the *old* j, then j is multiplied by the stride.",
    ],
)

_VGG19 = [(3, 1, 1)] * 2 + [(2, 2, 1)] + [(3, 1, 1)] * 2 + [(2, 2, 1)] + [(3, 1, 1)] * 4 + [(2, 2, 1)]


def _pair(result):
    return [int(value) for value in result]


@receptive_field.check(points=2)
def known_networks(answer, draw):
    """relu4_2 and relu5_1 of VGG-19, and a PatchGAN."""
    return {
        "VGG-19 relu4_2": _pair(answer([*_VGG19, (3, 1, 1), (3, 1, 1)])),
        "VGG-19 relu5_1": _pair(answer([*_VGG19, *[(3, 1, 1)] * 4, (2, 2, 1), (3, 1, 1)])),
        "PatchGAN": _pair(answer([(4, 2, 1)] * 3 + [(4, 1, 1)] * 2)),
    }


@receptive_field.check(points=1)
def any_stack(answer, draw):
    """Kernels, strides and dilations in any order, given as any sequence."""
    stacks = [[tuple(int(v) for v in draw.integers(1, 5, 3)) for _ in range(n)] for n in (1, 3, 5)]
    return [_pair(answer(stack)) for stack in stacks] + [_pair(answer(tuple(stacks[1])))]


@receptive_field.check(points=1)
def dilation_reaches_further(answer, draw):
    """A dilated convolution skips pixels, and sees more."""
    d = int(draw.integers(2, 5, 1)[0])
    return [_pair(answer([(3, 1, d)])), _pair(answer([(3, 2, 1), (5, 1, d)])), _pair(answer([(1, 3, d)] * 2))]


@receptive_field.check(points=1)
def no_layers_and_bad_values(answer, draw):
    """No layers see one pixel; a value below 1 is a ValueError."""
    bad = {
        "kernel 0": [(3, 1, 1), (0, 1, 1)],
        "stride 0": [(3, 0, 1)],
        "dilation -1": [(3, 1, -1), (3, 1, 1)],
    }
    return {"no layers": outcome(lambda: _pair(answer([])))} | {k: outcome(answer, v) for k, v in bad.items()}


def _refuse_windows(layers):
    if any(value < 1 for layer in layers for value in layer):
        raise ValueError("layers")


@receptive_field.misconception(
    "You added k − 1 pixels for every layer; a later layer steps over j input pixels, so multiply by j."
)
def adds_up_kernels(layers):
    _refuse_windows(layers)
    r = j = 1
    for k, s, d in layers:
        r += (k - 1) * d
        j *= s
    return r, j


@receptive_field.misconception(
    "You multiplied by a layer's own stride first; use the stride accumulated before this layer."
)
def updates_the_jump_first(layers):
    _refuse_windows(layers)
    r = j = 1
    for k, s, d in layers:
        j *= s
        r += (k - 1) * d * j
    return r, j


@receptive_field.misconception("You added k steps for a kernel of size k; it adds k − 1.")
def counts_k_steps(layers):
    _refuse_windows(layers)
    r = j = 1
    for k, s, d in layers:
        r += k * d * j
        j *= s
    return r, j


@receptive_field.misconception("You left the dilation out; multiply k − 1 by it.")
def ignores_the_dilation(layers):
    _refuse_windows(layers)
    r = j = 1
    for k, s, _ in layers:
        r += (k - 1) * j
        j *= s
    return r, j


@receptive_field.misconception("You added the strides up; strides multiply.")
def adds_the_strides(layers):
    _refuse_windows(layers)
    r = j = 1
    for k, s, d in layers:
        r += (k - 1) * d * j
        j += s
    return r, j


@receptive_field.misconception("You returned the two numbers in the other order; first r, then j.")
def returns_the_jump_first(layers):
    return from_the_top(layers)[::-1]


@receptive_field.accepts
def from_the_top(layers):
    _refuse_windows(layers)
    r, j = 1, 1
    for k, s, d in reversed(layers):
        r = (r - 1) * s + (k - 1) * d + 1
        j *= s
    return r, j


@receptive_field.accepts
def by_products(layers):
    _refuse_windows(layers)
    kernels, strides, dilations = np.array(layers, dtype=int).reshape(-1, 3).T
    jumps = np.concatenate([[1], np.cumprod(strides)])
    return 1 + ((kernels - 1) * dilations * jumps[:-1]).sum(), jumps[-1]


# --- 14.2 -----------------------------------------------------------------------------------------

extract_features = exercise(
    "extract_features",
    reference="nstkit.encoders:extract_features",
    level="medium",
    minutes=20,
    hints=[
        "Walk through the chain once and keep what comes out where it was asked for. Who may change it afterwards?",
        "Stop after max(layers). A stored tensor must survive the next module, which may work in place: clone.",
        "For avg_pool call F.avg_pool2d with the pool's kernel_size, stride, padding and ceil_mode; replace nothing.",
    ],
)


class _Spy(nn.Module):
    """Notes that it ran, also in a deep copy."""

    def __init__(self, calls):
        super().__init__()
        self.note = calls.append

    def forward(self, x):
        self.note(1)
        return x


def _convolution(draw, c_in, c_out, size=3, dtype=torch.float64, **options):
    """A convolution with weights from the draw: the global random state stays as it is."""
    layer = nn.utils.skip_init(nn.Conv2d, c_in, c_out, size, dtype=dtype, **options)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.from_numpy(draw.rng.normal(size=tuple(parameter.shape)) * 0.5))
    return layer


def _chain(draw, calls=None, dtype=torch.float64):
    return nn.Sequential(
        _convolution(draw, 3, 5, padding=1, dtype=dtype),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True),
        _convolution(draw, 5, 4, 2, dtype=dtype),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        _Spy([] if calls is None else calls),
    )


def _x(draw, dtype=torch.float64):
    return draw.tensor(2, 3, 10, 14, dtype=dtype)


@extract_features.check(points=2)
def features_as_they_were(answer, draw):
    """Every module's output as it was at that point, negative values of convolutions included."""
    model, x = _chain(draw), _x(draw)
    return {"all": answer(model, x, [0, 1, 2, 3, 4, 5]), "two": answer(model, x, [3, 0])}


@extract_features.check(points=1)
def average_pooling(answer, draw):
    """avg_pool puts an average with the same windows in the place of each maximum."""
    model, x = _chain(draw), _x(draw)
    return answer(model, x, [2, 4, 5], avg_pool=True)


@extract_features.check(points=1)
def nothing_deeper_runs(answer, draw):
    """Modules after the deepest requested layer are not called."""
    calls = []
    features = answer(_chain(draw, calls), _x(draw), [1, 4])
    return {"features": features, "calls after the last": len(calls)}


@extract_features.check(points=1)
def the_model_stays_as_it_was(answer, draw):
    """No hooks left, no module swapped, mode and weights unchanged; the input too, if the first works in place."""
    model, x = _chain(draw).train(), _x(draw)
    before, kinds = copy.deepcopy(model.state_dict()), [type(module).__name__ for module in model]
    answer(model, x, [0, 5], avg_pool=True)
    in_front = answer(nn.Sequential(nn.ReLU(inplace=True), *_chain(draw)), _x(draw), [0, 1])
    return {
        "modules": [type(module).__name__ for module in model] == kinds,
        "in place": [module.inplace for module in model if isinstance(module, nn.ReLU)],
        "hooks": sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()),
        "training": [module.training for module in model],
        "weights": [torch.equal(value, before[name]) for name, value in model.state_dict().items()],
        "trainable": [parameter.requires_grad for parameter in model.parameters()],
        "an in-place module in front": in_front,
    }


@extract_features.check(points=1)
def gradients_reach_the_pixels(answer, draw):
    """The gradient of every feature flows to x."""
    model = _chain(draw)
    return {
        f"layer {k}": gradient(lambda x, k=k: answer(model, x, [k], avg_pool=k == 5)[k], _x(draw))
        for k in (0, 3, 5)
    }


@extract_features.check(points=1)
def single_precision_and_a_module_used_twice(answer, draw):
    """float32 stays float32; one module that occurs twice counts as two layers."""
    shared = _convolution(draw, 3, 3, padding=1)
    return {
        "float32": answer(_chain(draw, dtype=torch.float32), _x(draw, torch.float32), [0, 4]),
        "twice": answer(nn.Sequential(shared, nn.ReLU(), shared), _x(draw), [0, 2]),
    }


@extract_features.check(points=1)
def bad_indices_are_refused(answer, draw):
    """IndexError outside of the chain, negative indices too; ValueError for no layers."""
    model, x = _chain(draw), _x(draw)
    cases = {"-1": [-1], "0 and 7": [0, 7], "far": [100], "none": []}
    return {name: outcome(answer, model, x, layers) for name, layers in cases.items()}


def _refuse_layers(model, layers):
    if not layers:
        raise ValueError("layers")
    if any(not 0 <= index < len(model) for index in layers):
        raise IndexError("layers")


def _averaged(module, x, stride=True, ceil=True):
    return F.avg_pool2d(
        x,
        module.kernel_size,
        module.stride if stride else None,
        module.padding,
        module.ceil_mode if ceil else False,
    )


def _walk(model, x, layers, avg_pool, keep=torch.clone, whole=False, stride=True, ceil=True):
    """The loop that variants and misconceptions share."""
    _refuse_layers(model, layers)
    x, found = x.clone(), {}
    for index, module in enumerate(model):
        if index > max(layers) and not whole:
            break
        pooled = avg_pool and isinstance(module, nn.MaxPool2d)
        x = _averaged(module, x, stride, ceil) if pooled else module(x)
        if index in layers:
            found[index] = keep(x)
    return found


@extract_features.misconception(
    "You stored the tensor itself and an in-place ReLU overwrote it; clone it, or avoid the in-place operation."
)
def stores_the_tensor_itself(model, x, layers, avg_pool=False):
    return _walk(model, x, layers, avg_pool, keep=lambda t: t)


@extract_features.misconception(
    "You left hooks on the model, where they go on firing; remove every hook before you return."
)
def leaves_hooks(model, x, layers, avg_pool=False):
    _refuse_layers(model, layers)
    found = {}
    for index in set(layers):
        model[index].register_forward_hook(lambda m, i, o, k=index: found.setdefault(k, o.clone()))
    return _walk(model, x, layers, avg_pool)


@extract_features.misconception("You ran the whole model; stop after the deepest requested layer.")
def runs_everything(model, x, layers, avg_pool=False):
    return _walk(model, x, layers, avg_pool, whole=True)


@extract_features.misconception(
    "You swapped the pooling inside the caller's model; leave the model as you found it."
)
def swaps_the_callers_pools(model, x, layers, avg_pool=False):
    _refuse_layers(model, layers)
    if avg_pool:
        for index, m in enumerate(model):
            if isinstance(m, nn.MaxPool2d):
                model[index] = nn.AvgPool2d(m.kernel_size, m.stride, m.padding, m.ceil_mode)
    return _walk(model, x, layers, False)


@extract_features.misconception(
    "You detached the features, so no gradient reaches the pixels; keep the graph."
)
def detaches_the_features(model, x, layers, avg_pool=False):
    return _walk(model, x, layers, avg_pool, keep=lambda t: t.detach().clone())


@extract_features.misconception(
    "You gave the average pooling no stride, and it took the kernel's size; copy kernel, stride and padding."
)
def pools_without_the_stride(model, x, layers, avg_pool=False):
    return _walk(model, x, layers, avg_pool, stride=False)


@extract_features.misconception(
    "You left ceil_mode out, and the map lost a row or a column; copy it together with kernel, stride and padding."
)
def pools_without_ceil_mode(model, x, layers, avg_pool=False):
    return _walk(model, x, layers, avg_pool, ceil=False)


@extract_features.misconception(
    "You put the model into eval mode and left it there; its mode is the caller's, do not touch it."
)
def leaves_eval_mode(model, x, layers, avg_pool=False):
    model.eval()
    return _walk(model, x, layers, avg_pool)


@extract_features.misconception(
    "You let a first in-place module overwrite the caller's x; hand it a clone of x."
)
def overwrites_the_input(model, x, layers, avg_pool=False):
    _refuse_layers(model, layers)
    found = {}
    for index in range(max(layers) + 1):
        pooled = avg_pool and isinstance(model[index], nn.MaxPool2d)
        x = _averaged(model[index], x) if pooled else model[index](x)
        if index in layers:
            found[index] = x.clone()
    return found


@extract_features.accepts
def by_a_loop_with_clones(model, x, layers, avg_pool=False):
    return _walk(model, x, layers, avg_pool)


@extract_features.accepts
def by_functional_relu(model, x, layers, avg_pool=False):
    _refuse_layers(model, layers)
    found = {}
    for index, module in enumerate(list(model)[: max(layers) + 1]):
        if isinstance(module, nn.ReLU):
            x = F.relu(x)
        elif avg_pool and isinstance(module, nn.MaxPool2d):
            x = _averaged(module, x)
        else:
            x = module(x)
        if index in layers:
            found[index] = x
    return found


@extract_features.accepts
def by_hooks_that_are_removed(model, x, layers, avg_pool=False):
    _refuse_layers(model, layers)
    found, chain = {}, []
    for module in list(model)[: max(layers) + 1]:
        if avg_pool and isinstance(module, nn.MaxPool2d):
            module = nn.AvgPool2d(module.kernel_size, module.stride, module.padding, module.ceil_mode)
        chain.append(nn.Sequential(module))  # a wrapper of its own, so that a shared module has two hooks
    handles = [
        chain[k].register_forward_hook(lambda m, i, o, k=k: found.update({k: o.clone()})) for k in set(layers)
    ]
    try:
        x = x.clone()
        for module in chain:
            x = module(x)
    finally:
        for handle in handles:
            handle.remove()
    return found


# --- 14.3 -----------------------------------------------------------------------------------------

conv2d_im2col = exercise(
    "conv2d_im2col",
    reference="nstkit.theory:conv2d_im2col",
    level="medium",
    minutes=25,
    hints=[
        "Every output pixel is the inner product of one patch with one kernel; all of them together are one product.",
        "Patches as (N·H'·W', C·kh·kw), kernels as (O, C·kh·kw): the product is (N·H'·W', O), and O must move forward.",
        "np.lib.stride_tricks.sliding_window_view over the padded axes 2 and 3, then ::stride, transpose, reshape.",
    ],
)


@conv2d_im2col.check(points=2)
def rectangular_kernel_with_bias(answer, draw):
    """A 3 x 2 kernel, stride 2, padding 1, with bias."""
    return answer(draw.array(2, 4, 6, 9), draw.array(5, 4, 3, 2), draw.array(5), 2, 1)


@conv2d_im2col.check(points=1)
def default_arguments(answer, draw):
    """No bias, stride 1, no padding; views are as good as any."""
    weight = draw.array(3, 2, 2, 4)
    return {
        "plain": answer(draw.array(2, 2, 5, 7), weight),
        "a strided view": answer(draw.array(3, 2, 5, 6, strided=True), weight),
        "a 1 x 1 kernel": answer(draw.array(2, 3, 4, 5), draw.array(4, 3, 1, 1), draw.array(4)),
    }


@conv2d_im2col.check(points=1)
def sizes_that_do_not_divide(answer, draw):
    """Output sizes are rounded down; by keyword, padding larger than the kernel."""
    x, weight = draw.array(2, 3, 8, 11), draw.array(4, 3, 3, 3)
    return {
        "stride 2": answer(x, weight, stride=2),
        "stride 3": answer(x, weight, stride=3, padding=1),
        "wide padding": answer(x, weight, padding=4, bias=draw.array(4)),
        "as large as the image": answer(x, draw.array(2, 3, 8, 11)),
    }


@conv2d_im2col.check(points=1)
def the_type_of_x(answer, draw):
    """float32 gives float32, also with a float64 kernel."""
    x = draw.array(2, 3, 5, 6, dtype=np.float32)
    return {
        "float32": answer(x, draw.array(4, 3, 2, 2, dtype=np.float32)),
        "mixed": answer(x, draw.array(4, 3, 2, 2), draw.array(4)),
    }


@conv2d_im2col.check(points=1)
def what_does_not_fit_a_convolution_is_refused(answer, draw):
    """ValueError for channels, bias, stride, padding or kernel that do not fit."""
    x, weight = draw.array(2, 3, 5, 6), draw.array(4, 3, 3, 3)
    return {
        "channels": outcome(answer, x, draw.array(4, 2, 3, 3)),
        "bias": outcome(answer, x, weight, draw.array(3)),
        "one bias": outcome(answer, x, weight, draw.array(1)),
        "stride 0": outcome(answer, x, weight, None, 0),
        "padding -1": outcome(answer, x, weight, None, 1, -1),
        "a kernel too high": outcome(answer, x, draw.array(4, 3, 6, 2)),
        "a kernel too wide": outcome(answer, x, draw.array(4, 3, 2, 9), None, 1, 1),
    }


def _refuse_convolution(x, weight, bias, stride, padding):
    if x.shape[1] != weight.shape[1] or stride < 1 or padding < 0:
        raise ValueError("weight, stride, padding")
    if bias is not None and bias.shape != (len(weight),):
        raise ValueError("bias")
    if any(k > n + 2 * padding for k, n in zip(weight.shape[2:], x.shape[2:], strict=True)):
        raise ValueError("weight")


def _patches(x, weight, stride, padding, mode="constant", end=0):
    """(N, C, H', W', kh, kw)."""
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding + end), (padding, padding + end)), mode=mode)
    windows = np.lib.stride_tricks.sliding_window_view(padded, weight.shape[2:], axis=(2, 3))
    return windows[:, :, ::stride, ::stride]


def _summed(patches, weight, bias, dtype):
    out = np.einsum("nchwij,ocij->nohw", patches, weight, optimize=True)
    return (out if bias is None else out + bias[:, None, None]).astype(dtype)


@conv2d_im2col.misconception(
    "You flipped the kernel, which is the convolution of signal processing; CNN layers cross-correlate, do not flip."
)
def flips_the_kernel(x, weight, bias=None, stride=1, padding=0):
    _refuse_convolution(x, weight, bias, stride, padding)
    return _summed(_patches(x, weight, stride, padding), weight[:, :, ::-1, ::-1], bias, x.dtype)


@conv2d_im2col.misconception(
    "You flattened patches as (kh, kw, C) and kernels as (C, kh, kw); flatten both in the same order."
)
def flattens_in_two_orders(x, weight, bias=None, stride=1, padding=0):
    _refuse_convolution(x, weight, bias, stride, padding)
    p = _patches(x, weight, stride, padding)
    n, _, h, w = p.shape[:4]
    columns = p.transpose(0, 2, 3, 4, 5, 1).reshape(n * h * w, -1)
    out = columns @ weight.reshape(len(weight), -1).T + (0 if bias is None else bias)
    return out.reshape(n, h, w, -1).transpose(0, 3, 1, 2).astype(x.dtype)


@conv2d_im2col.misconception(
    "You reshaped the product straight to (N, O, H', W'), which scrambles channels and positions; move O first."
)
def reshapes_without_moving_the_outputs(x, weight, bias=None, stride=1, padding=0):
    _refuse_convolution(x, weight, bias, stride, padding)
    out = _summed(_patches(x, weight, stride, padding), weight, bias, x.dtype)
    return np.ascontiguousarray(out.transpose(0, 2, 3, 1)).reshape(out.shape)


@conv2d_im2col.misconception("You left the bias out; add one value for each output channel.")
def forgets_the_bias(x, weight, bias=None, stride=1, padding=0):
    _refuse_convolution(x, weight, bias, stride, padding)
    return _summed(_patches(x, weight, stride, padding), weight, None, x.dtype)


@conv2d_im2col.misconception(
    "You rounded the output size up, which adds a row or a column; round it down: the last window must fit."
)
def rounds_up(x, weight, bias=None, stride=1, padding=0):
    _refuse_convolution(x, weight, bias, stride, padding)
    end = max(-(n + 2 * padding - k) % stride for n, k in zip(x.shape[2:], weight.shape[2:], strict=True))
    patches = _patches(x, weight, stride, padding, end=end)
    height, width = (
        -(-(n + 2 * padding - k) // stride) + 1 for n, k in zip(x.shape[2:], weight.shape[2:], strict=True)
    )
    return _summed(patches[:, :, :height, :width], weight, bias, x.dtype)


@conv2d_im2col.misconception("You padded by reflection; pad with zeros.")
def pads_by_reflection(x, weight, bias=None, stride=1, padding=0):
    _refuse_convolution(x, weight, bias, stride, padding)
    return _summed(_patches(x, weight, stride, padding, "reflect"), weight, bias, x.dtype)


@conv2d_im2col.misconception("You ignored the stride; keep every stride-th window along both axes.")
def ignores_the_stride(x, weight, bias=None, stride=1, padding=0):
    _refuse_convolution(x, weight, bias, stride, padding)
    return _summed(_patches(x, weight, 1, padding), weight, bias, x.dtype)


@conv2d_im2col.accepts
def by_windows_and_einsum(x, weight, bias=None, stride=1, padding=0):
    _refuse_convolution(x, weight, bias, stride, padding)
    return _summed(_patches(x, weight, stride, padding), weight, bias, x.dtype)


@conv2d_im2col.accepts
def by_loops_over_positions(x, weight, bias=None, stride=1, padding=0):
    _refuse_convolution(x, weight, bias, stride, padding)
    n, _, height, width = x.shape
    o, _, kh, kw = weight.shape
    padded = np.zeros((n, x.shape[1], height + 2 * padding, width + 2 * padding), x.dtype)
    padded[:, :, padding : padding + height, padding : padding + width] = x
    out = np.empty(
        (n, o, (height + 2 * padding - kh) // stride + 1, (width + 2 * padding - kw) // stride + 1), x.dtype
    )
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            patch = padded[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw].reshape(n, -1)
            out[:, :, i, j] = patch @ weight.reshape(o, -1).T + (0 if bias is None else bias)
    return out


@conv2d_im2col.accepts
def by_loops_over_the_kernel(x, weight, bias=None, stride=1, padding=0):
    _refuse_convolution(x, weight, bias, stride, padding)
    kh, kw = weight.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (padding,) * 2, (padding,) * 2))
    h, w = (padded.shape[2] - kh) // stride + 1, (padded.shape[3] - kw) // stride + 1
    out = 0
    for i in range(kh):
        for j in range(kw):
            part = padded[:, :, i : i + stride * h : stride, j : j + stride * w : stride][:, :, :h, :w]
            out = out + np.tensordot(weight[:, :, i, j], part, axes=(1, 1)).transpose(1, 0, 2, 3)
    return (out if bias is None else out + bias.reshape(1, -1, 1, 1)).astype(x.dtype)


# --- 14.4 -----------------------------------------------------------------------------------------

normalize_activations = exercise(
    "normalize_activations",
    reference="nstkit.encoders:normalize_activations",
    level="hard",
    minutes=30,
    hints=[
        "Divide a filter by its mean activation, and the layer behind it sees a smaller input. Who makes up for that?",
        "Each conv has a factor for its outputs, (O, 1, 1, 1), and one for its inputs, (1, I, 1, 1); pooling has none.",
        "Run the original once and note m after each ReLU; then weight · m_before / m_after and bias / m_after.",
    ],
)


def _rectified(draw, dtype=torch.float64, channels=(3, 6, 5, 4)):
    """Three convolutions with pooling between; one without bias, some channels dead, some very strong."""
    a, b, c, d = channels
    model = nn.Sequential(
        _convolution(draw, a, b, padding=1, dtype=dtype),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        _convolution(draw, b, c, padding=1, dtype=dtype),
        nn.ReLU(),
        nn.AvgPool2d(2, stride=1),
        _convolution(draw, c, d, 2, dtype=dtype, bias=False),
        nn.ReLU(),
    )
    with torch.no_grad():
        model[0].bias[1] = model[3].bias[2] = -200.0  # dead
        model[0].weight[2] *= 20
        model[0].bias[0] = model[3].bias[0] = 1.0  # alive
        model[6].weight[0].abs_()
    return model


def _finite(tensors):
    """The tensors, or a word where one holds NaN: NaN equals nothing, and no mistake could be recognised by it."""
    return tensors if all(torch.isfinite(t).all() for t in tensors) else "NaN or infinite"


def _weights(model):
    return _finite([parameter.detach() for parameter in model.parameters()])


@normalize_activations.check(points=2)
def the_new_weights(answer, draw):
    """Weights and biases of all three convolutions, dead channels among them."""
    return _weights(answer(_rectified(draw), draw.image(3, 10, 12)))


@normalize_activations.check(points=1)
def means_are_one(answer, draw):
    """Measured on the images, every channel's mean is 1 or, where it is dead, 0."""
    x, images, means = None, draw.image(2, 9, 14), []
    x = images.clone()
    with torch.no_grad():
        for module in answer(_rectified(draw), images):
            x = module(x)
            if isinstance(module, nn.ReLU):
                means.append(x.mean((0, 2, 3)))
    return _finite(means)


@normalize_activations.check(points=1)
def other_images_are_rescaled_alike(answer, draw):
    """On an image it has not seen, the new network gives the old features over the old means."""
    scaled = answer(_rectified(draw), draw.image(2, 8, 11))
    with torch.no_grad():
        return _finite([scaled(draw.image(2, 7, 12))])


@normalize_activations.check(points=1)
def weak_channels_count_as_dead(answer, draw):
    """Channels with a mean up to eps keep their scale."""
    return _weights(answer(_rectified(draw), draw.image(2, 8, 10), eps=0.4))


@normalize_activations.check(points=1)
def single_precision_and_a_copy(answer, draw):
    """float32 stays float32; the original is untouched, and the result shares nothing with it."""
    model, images = _rectified(draw, torch.float32), draw.image(2, 8, 10, dtype=torch.float32)
    before = copy.deepcopy(model)
    scaled = answer(model, images)
    pairs = list(zip(model.parameters(), before.parameters(), strict=True))
    mine = {parameter.data_ptr() for parameter in model.parameters()}
    return {
        "weights": _weights(scaled),
        "original": [torch.equal(a, b) and a.requires_grad == b.requires_grad for a, b in pairs],
        "nothing shared": not any(parameter.data_ptr() in mine for parameter in scaled.parameters()),
        "a chain": isinstance(scaled, nn.Sequential) and [type(m).__name__ for m in scaled],
    }


@normalize_activations.check(points=1)
def chains_that_have_no_such_scale_are_refused(answer, draw):
    """ValueError for a convolution without its ReLU, with a pool before the ReLU, or with groups."""
    images = draw.image(2, 8, 10)
    conv = _convolution(draw, 3, 4, padding=1)
    return {
        "no ReLU": outcome(answer, nn.Sequential(conv, nn.MaxPool2d(2)), images),
        "last without ReLU": outcome(
            answer, nn.Sequential(conv, nn.ReLU(), _convolution(draw, 4, 2)), images
        ),
        "pool between": outcome(answer, nn.Sequential(conv, nn.AvgPool2d(2), nn.ReLU()), images),
        "groups": outcome(
            answer, nn.Sequential(_convolution(draw, 3, 6, groups=3, padding=1), nn.ReLU()), images
        ),
    }


def _refuse_chain(model):
    for module, following in zip(model, [*list(model)[1:], None], strict=True):
        if isinstance(module, nn.Conv2d) and (module.groups != 1 or not isinstance(following, nn.ReLU)):
            raise ValueError("model")


def _rescaled(
    model, images, eps, measure=lambda pre, post: post.mean((0, 2, 3)), undo=True, bias=True, dead=True
):
    """The skeleton that the misconceptions of 14.4 share."""
    _refuse_chain(model)
    result, x, before = copy.deepcopy(model), images.clone(), images.new_ones(images.shape[1])
    with torch.no_grad():
        for index, module in enumerate(model):
            if isinstance(module, nn.Conv2d):
                pre = module(x)
                mean = measure(pre, pre.clamp(min=0))
                mean = torch.where(mean > eps, mean, 1.0) if dead else mean
                layer = result[index]
                layer.weight.div_(mean.reshape(-1, 1, 1, 1))
                if undo:
                    layer.weight.mul_(before.reshape(1, -1, 1, 1))
                if bias and layer.bias is not None:
                    layer.bias.div_(mean)
                before = mean
            x = F.relu(x) if isinstance(module, nn.ReLU) else module(x)
    return result


@normalize_activations.misconception(
    "You scaled each layer's outputs only, so later means drift; undo the previous scale on the input side."
)
def does_not_undo(model, images, eps=1e-8):
    return _rescaled(model, images, eps, undo=False)


@normalize_activations.misconception("You left the bias as it was; scale the bias together with the weights.")
def keeps_the_bias(model, images, eps=1e-8):
    return _rescaled(model, images, eps, bias=False)


@normalize_activations.misconception(
    "You measured before the ReLU, where positive and negative cancel; measure after the ReLU."
)
def measures_before_the_relu(model, images, eps=1e-8):
    return _rescaled(model, images, eps, measure=lambda pre, post: pre.mean((0, 2, 3)))


@normalize_activations.misconception(
    "You took one factor for the whole layer; every channel has a mean of its own, and so a factor."
)
def one_factor_for_a_layer(model, images, eps=1e-8):
    return _rescaled(model, images, eps, measure=lambda pre, post: post.mean().expand(post.shape[1]))


@normalize_activations.misconception("You divided by the maximum; divide by the mean activation.")
def divides_by_the_maximum(model, images, eps=1e-8):
    return _rescaled(model, images, eps, measure=lambda pre, post: post.amax((0, 2, 3)))


@normalize_activations.misconception(
    "You divided dead channels by 0 and got NaN; leave channels with a mean up to eps unscaled."
)
def divides_dead_channels(model, images, eps=1e-8):
    return _rescaled(model, images, eps, dead=False)


@normalize_activations.misconception("You changed the caller's model; work on a deep copy and return that.")
def rescales_in_place(model, images, eps=1e-8):
    scaled = _rescaled(model, images, eps)
    model.load_state_dict(scaled.state_dict())
    return model


@normalize_activations.accepts
def layer_by_layer(model, images, eps=1e-8):
    _refuse_chain(model)
    result, before = copy.deepcopy(model), torch.ones(images.shape[1], dtype=images.dtype)
    with torch.no_grad():
        for index, module in enumerate(result):
            if not isinstance(module, nn.Conv2d):
                continue
            module.weight.data = module.weight * before[None, :, None, None]
            means = result[: index + 2](images.clone()).mean(dim=(0, 2, 3))
            before = torch.where(means <= eps, torch.ones_like(means), means)
            module.weight.data = module.weight / before[:, None, None, None]
            if module.bias is not None:
                module.bias.data = module.bias / before
    return result


@normalize_activations.accepts
def all_means_first(model, images, eps=1e-8):
    _refuse_chain(model)
    means, x = [torch.ones(images.shape[1], dtype=images.dtype)], images.clone()
    for number, module in enumerate(model):
        x = module(x).detach()
        if isinstance(module, nn.ReLU) and isinstance(model[number - 1], nn.Conv2d):
            m = x.transpose(0, 1).flatten(1).mean(1)
            means.append(m.masked_fill(m <= eps, 1.0))
    twin = copy.deepcopy(model)
    convolutions = [m for m in twin if isinstance(m, nn.Conv2d)]
    for conv, m_in, m_out in zip(convolutions, means[:-1], means[1:], strict=True):
        conv.weight.data *= torch.outer(1 / m_out, m_in)[:, :, None, None]
        if conv.bias is not None:
            conv.bias.data /= m_out
    return twin


# --- 14.5 -----------------------------------------------------------------------------------------

adain = exercise(
    "adain",
    reference="nstkit.transfer:adain",
    level="medium",
    minutes=15,
    hints=[
        "Take the content's own mean and spread out of each channel, then put the style's in.",
        "Means and deviations over (H, W) only, as (B, C, 1, 1); content and style may differ in size.",
        "t = σ_s (c − μ_c) / σ_c + μ_s with σ = sqrt(population variance + eps), then alpha · t + (1 − alpha) · c.",
    ],
)


def _spread(x):
    """Channels of different strength, on fresh values."""
    return x * torch.linspace(0.05, 2, x.shape[1], dtype=x.dtype)[:, None, None] + 0.3


def _pair_of_maps(draw, dtype=torch.float64):
    content, style = draw.tensor(2, 5, 4, 7, dtype=dtype), draw.tensor(2, 5, 6, 3, dtype=dtype)
    return draw.watch(_spread(content), "content"), draw.watch(_spread(style).flip(1) - 1, "style")


@adain.check(points=2)
def the_full_style(answer, draw):
    """Two images, a style of another size, alpha 1."""
    return answer(*_pair_of_maps(draw))


@adain.check(points=1)
def any_finite_alpha(answer, draw):
    """Between 0 and 1 it blends, outside it extrapolates."""
    content, style = _pair_of_maps(draw)
    return {str(alpha): answer(content, style, alpha) for alpha in (0.0, 0.35, 1.8, -0.5)}


@adain.check(points=1)
def the_place_of_eps(answer, draw):
    """Weak channels and a large eps: it belongs inside the root."""
    content, style = _pair_of_maps(draw)
    return answer(content, style, alpha=0.8, eps=0.05)


@adain.check(points=1)
def gradients_to_both(answer, draw):
    """The gradient reaches the content and the style."""
    return gradient(lambda c, s: answer(c, s, 0.6), *_pair_of_maps(draw))


@adain.check(points=1)
def layouts_and_precision(answer, draw):
    """float32 stays float32; non-contiguous maps are as good as any."""
    content, style = _pair_of_maps(draw, torch.float32)
    return {
        "float32": answer(content, style),
        "strided": answer(draw.features(3, 4, 5, 6, strided=True), draw.features(3, 4, 7, 4, strided=True)),
    }


@adain.check(points=1)
def pairs_that_do_not_fit_are_refused(answer, draw):
    """ValueError for another batch or other channels, maps that are not 4-D, alpha not finite."""
    content, style = _pair_of_maps(draw)
    return {
        "one style for two": outcome(answer, content, style[:1]),
        "other channels": outcome(answer, content, style[:, :4]),
        "content (C, H, W)": outcome(answer, content[0], style),
        "style (B, C, H·W)": outcome(answer, content, style.flatten(2)),
        "alpha nan": outcome(answer, content, style, float("nan")),
        "alpha inf": outcome(answer, content, style, float("inf")),
    }


def _refuse_maps(content, style, alpha):
    if content.ndim != 4 or style.ndim != 4 or content.shape[:2] != style.shape[:2]:
        raise ValueError("content, style")
    if not np.isfinite(alpha):
        raise ValueError("alpha")


def _moments(x, dims=(2, 3), correction=0):
    return x.mean(dims, keepdim=True), x.var(dims, correction=correction, keepdim=True)


def _moved(content, style, alpha, eps, dims=(2, 3), correction=0):
    (mc, vc), (ms, vs) = _moments(content, dims, correction), _moments(style, dims, correction)
    t = (vs + eps).sqrt() * (content - mc) / (vc + eps).sqrt() + ms
    return alpha * t + (1 - alpha) * content


@adain.misconception(
    "You took statistics over the batch, which mixes the images; AdaIN's statistics belong to one sample."
)
def mixes_the_samples(content, style, alpha=1.0, eps=1e-5):
    _refuse_maps(content, style, alpha)
    return _moved(content, style, alpha, eps, dims=(0, 2, 3))


@adain.misconception(
    "You took one mean over all channels, as layer norm does; take one mean and deviation per channel."
)
def mixes_the_channels(content, style, alpha=1.0, eps=1e-5):
    _refuse_maps(content, style, alpha)
    return _moved(content, style, alpha, eps, dims=(1, 2, 3))


@adain.misconception(
    "You exchanged content and style; normalise the content, then apply the style's statistics."
)
def exchanges_the_roles(content, style, alpha=1.0, eps=1e-5):
    _refuse_maps(content, style, alpha)
    return _moved(style, content, alpha, eps)


@adain.misconception("You scaled by the variance; scale by the standard deviation.")
def scales_by_the_variance(content, style, alpha=1.0, eps=1e-5):
    _refuse_maps(content, style, alpha)
    (mc, vc), (ms, vs) = _moments(content), _moments(style)
    return alpha * ((vs + eps) * (content - mc) / (vc + eps) + ms) + (1 - alpha) * content


@adain.misconception("You divided the variance by N − 1; use the population variance, divided by N.")
def takes_the_sample_variance(content, style, alpha=1.0, eps=1e-5):
    _refuse_maps(content, style, alpha)
    return _moved(content, style, alpha, eps, correction=1)


@adain.misconception("You blended the other way round; alpha = 1 is the full style.")
def blends_the_wrong_way(content, style, alpha=1.0, eps=1e-5):
    _refuse_maps(content, style, alpha)
    return _moved(content, style, 1 - alpha, eps)


@adain.misconception("You added eps to the deviation; it belongs inside the root, beside the variance.")
def adds_eps_outside(content, style, alpha=1.0, eps=1e-5):
    _refuse_maps(content, style, alpha)
    (mc, vc), (ms, vs) = _moments(content), _moments(style)
    t = (vs.sqrt() + eps) * (content - mc) / (vc.sqrt() + eps) + ms
    return alpha * t + (1 - alpha) * content


@adain.misconception(
    "You held alpha between 0 and 1; any finite value is allowed, and beyond 1 it extrapolates."
)
def clamps_alpha(content, style, alpha=1.0, eps=1e-5):
    _refuse_maps(content, style, alpha)
    return _moved(content, style, min(max(alpha, 0.0), 1.0), eps)


@adain.misconception("You detached the style's statistics; gradients flow to both inputs.")
def detaches_the_statistics(content, style, alpha=1.0, eps=1e-5):
    _refuse_maps(content, style, alpha)
    return _moved(content, style.detach(), alpha, eps)


@adain.accepts
def by_instance_norm(content, style, alpha=1.0, eps=1e-5):
    _refuse_maps(content, style, alpha)
    mean, variance = _moments(style)
    return torch.lerp(content, F.instance_norm(content, eps=eps) * torch.sqrt(variance + eps) + mean, alpha)


@adain.accepts
def by_var_mean(content, style, alpha=1.0, eps=1e-5):
    _refuse_maps(content, style, alpha)
    vc, mc = torch.var_mean(content, (2, 3), correction=0, keepdim=True)
    vs, ms = torch.var_mean(style, (2, 3), correction=0, keepdim=True)
    gain = ((vs + eps) / (vc + eps)).sqrt()
    return content + alpha * (gain * (content - mc) + ms - content)


@adain.accepts
def on_flat_rows(content, style, alpha=1.0, eps=1e-5):
    _refuse_maps(content, style, alpha)

    def statistics(x):
        rows = x.flatten(2)
        mean = rows.mean(2)
        return mean[..., None, None], ((rows - mean[..., None]) ** 2).mean(2).add(eps).sqrt()[..., None, None]

    (mc, sc), (ms, ss) = statistics(content), statistics(style)
    return alpha * (ss * (content - mc) / sc + ms) + (1 - alpha) * content
