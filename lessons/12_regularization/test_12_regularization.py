"""Lesson 12, regularisation: a prior on the picture, a penalty on weights, and dropout."""

import torch
from torch import nn

from nstkit.grading import exercise, gradient, outcome

# --- 12.1 -----------------------------------------------------------------------------------------

total_variation = exercise(
    "total_variation",
    reference="nstkit.losses:total_variation",
    level="medium",
    minutes=20,
    hints=[
        "Compare each pixel with its neighbour on the right and its neighbour below; nothing lies beyond the border.",
        "dx is (B, C, H, W−1) and dy is (B, C, H−1, W); summing both over (1, 2, 3) leaves (B,). For the isotropic "
        "kind cut both to (B, C, H−1, W−1) first.",
        "dx = x[..., 1:] − x[..., :-1], dy likewise along rows; isotropic is the root of dx[..., :-1, :]², "
        "dy[..., :, :-1]² and eps added up.",
    ],
)


@total_variation.check(points=2)
def two_images_by_default(answer, draw):
    """Two images, anisotropic: one number for each."""
    return answer(draw.tensor(2, 3, 5, 7))


@total_variation.check(points=2)
def every_kind(answer, draw):
    """ "anisotropic", "squared" and "isotropic", with an eps that can be seen."""
    image = draw.tensor(3, 4, 6, 5)
    return {
        "anisotropic": answer(image, "anisotropic"),
        "squared": answer(image, "squared"),
        "isotropic": answer(image, "isotropic"),
        "isotropic, eps = 0.3": answer(image, kind="isotropic", eps=0.3),
        "the others ignore eps": [answer(image, kind, 0.3) for kind in ("anisotropic", "squared")],
    }


@total_variation.check(points=1)
def an_edge_and_a_flat_picture(answer, draw):
    """An edge costs its height on every row; a flat picture costs nothing, or the root of eps per cell."""
    edge = torch.zeros(2, 3, 4, 7, dtype=torch.float64)
    edge[..., 3:] = draw.number()
    flat = torch.full((2, 3, 4, 7), draw.number(), dtype=torch.float64)
    return {
        "edge": answer(draw.watch(edge)),
        "edge, transposed": answer(edge.mT),
        "flat": answer(draw.watch(flat)),
        "flat, isotropic": answer(flat, "isotropic", 0.01),
    }


@total_variation.check(points=1)
def single_precision_and_strides(answer, draw):
    """float32 stays float32, and a tensor that is not contiguous is as good as any."""
    return {
        "float32": answer(draw.tensor(2, 3, 6, 4, dtype=torch.float32)),
        "not contiguous": answer(draw.tensor(2, 5, 3, 4, strided=True), "squared"),
    }


@total_variation.check(points=1)
def gradients_flow(answer, draw):
    """The gradient reaches the pixels, and is finite where the picture is flat."""
    image = draw.tensor(2, 3, 4, 5)
    flat = draw.watch(torch.full((2, 3, 4, 5), 0.5, dtype=torch.float64))
    return {
        "anisotropic": gradient(answer, image),
        "isotropic": gradient(lambda x: answer(x, "isotropic"), image),
        "isotropic, flat": gradient(lambda x: answer(x, "isotropic"), flat),
    }


@total_variation.check(points=1)
def bad_input_is_refused(answer, draw):
    """ValueError for another kind, for images that are not 4-D, and for a single row or column."""
    image = draw.tensor(2, 3, 5, 4)
    return {
        "another kind": outcome(answer, image, "diagonal"),
        "one image, (C, H, W)": outcome(answer, image[0]),
        "one row": outcome(answer, image[:, :, :1]),
        "one column": outcome(answer, image[..., :1], "isotropic"),
    }


def _refuse_image(image, kind):
    if image.ndim != 4 or min(image.shape[-2:]) < 2 or kind not in ("anisotropic", "squared", "isotropic"):
        raise ValueError("image, kind")


def _varied(dx, dy, kind, eps):
    """The three kinds, per image, from the differences (B, C, H, W-1) and (B, C, H-1, W)."""
    if kind == "anisotropic":
        return dx.abs().sum((1, 2, 3)) + dy.abs().sum((1, 2, 3))
    if kind == "squared":
        return (dx**2).sum((1, 2, 3)) + (dy**2).sum((1, 2, 3))
    rows, columns = min(dx.shape[2], dy.shape[2]), min(dx.shape[3], dy.shape[3])
    cells = dx[:, :, :rows, :columns] ** 2 + dy[:, :, :rows, :columns] ** 2 + eps
    return cells.sqrt().sum((1, 2, 3))


def _differences(image):
    return image[..., 1:] - image[..., :-1], image[..., 1:, :] - image[..., :-1, :]


@total_variation.misconception(
    "You compared the last column with the first, as roll does; compare neighbours inside the picture only."
)
def wraps_around(image, kind="anisotropic", eps=1e-8):
    _refuse_image(image, kind)
    return _varied(image.roll(-1, 3) - image, image.roll(-1, 2) - image, kind, eps)


@total_variation.misconception(
    "You took differences in one direction only; add the horizontal and the vertical ones."
)
def looks_sideways_only(image, kind="anisotropic", eps=1e-8):
    _refuse_image(image, kind)
    dx, dy = _differences(image)
    return _varied(dx, torch.zeros_like(dy), kind, eps)


@total_variation.misconception(
    "You took the mean, which shrinks as the picture grows; return the sum per image."
)
def averages(image, kind="anisotropic", eps=1e-8):
    _refuse_image(image, kind)
    dx, dy = _differences(image)
    if kind == "isotropic":
        return (dx[..., :-1, :] ** 2 + dy[..., :-1] ** 2 + eps).sqrt().mean((1, 2, 3))
    power = 1 if kind == "anisotropic" else 2
    return (dx.abs() ** power).mean((1, 2, 3)) + (dy.abs() ** power).mean((1, 2, 3))


@total_variation.misconception("You summed over the batch too; return one value per image, (B,).")
def sums_the_batch(image, kind="anisotropic", eps=1e-8):
    _refuse_image(image, kind)
    return _varied(*_differences(image), kind, eps).sum()


@total_variation.misconception(
    "You took the root without eps, so its gradient on flat regions is NaN; add eps under the root."
)
def forgets_eps(image, kind="anisotropic", eps=1e-8):
    _refuse_image(image, kind)
    return _varied(*_differences(image), kind, 0.0)


@total_variation.misconception(
    "You put all colour channels under one root; take the root per channel, then sum."
)
def couples_the_channels(image, kind="anisotropic", eps=1e-8):
    _refuse_image(image, kind)
    dx, dy = _differences(image)
    if kind != "isotropic":
        return _varied(dx, dy, kind, eps)
    cells = (dx[..., :-1, :] ** 2 + dy[..., :-1] ** 2).sum(1) + eps
    return cells.sqrt().sum((1, 2))


@total_variation.misconception(
    "You added eps outside the root, where it does not help the gradient; put it under the root."
)
def adds_eps_outside(image, kind="anisotropic", eps=1e-8):
    _refuse_image(image, kind)
    total = _varied(*_differences(image), kind, 0.0)
    cells = image.shape[1] * (image.shape[2] - 1) * (image.shape[3] - 1)
    return total + eps * cells if kind == "isotropic" else total


@total_variation.misconception(
    "You padded the differences with zeros and kept all H × W cells; use the cells in which both dx and dy exist."
)
def pads_the_differences(image, kind="anisotropic", eps=1e-8):
    _refuse_image(image, kind)
    dx, dy = _differences(image)
    pad = nn.functional.pad
    return _varied(pad(dx, (0, 1)), pad(dy, (0, 0, 0, 1)), kind, eps)


@total_variation.misconception(
    "You ignored `kind`; sum absolute values, squares or roots of squares, as it says."
)
def ignores_the_kind(image, kind="anisotropic", eps=1e-8):
    _refuse_image(image, kind)
    return _varied(*_differences(image), "anisotropic", eps)


@total_variation.misconception(
    "You cut the gradient; stay with tensors and do not detach: the term must push the pixels."
)
def detaches_the_image(image, kind="anisotropic", eps=1e-8):
    _refuse_image(image, kind)
    return _varied(*_differences(image.detach()), kind, eps)


@total_variation.accepts
def by_torch_diff(image, kind="anisotropic", eps=1e-8):
    _refuse_image(image, kind)
    dx, dy = torch.diff(image, dim=-1), torch.diff(image, dim=-2)
    if kind == "isotropic":
        return torch.stack(
            [
                torch.sqrt(a[:, :-1].pow(2) + b[:, :, :-1].pow(2) + eps).sum()
                for a, b in zip(dx, dy, strict=True)
            ]
        )
    power = {"anisotropic": 1, "squared": 2}[kind]
    return dx.abs().pow(power).flatten(1).sum(1) + dy.abs().pow(power).flatten(1).sum(1)


@total_variation.accepts
def by_convolution(image, kind="anisotropic", eps=1e-8):
    _refuse_image(image, kind)
    planes = image.flatten(0, 1)[:, None]  # (B·C, 1, H, W)
    right = torch.tensor([-1.0, 1.0], dtype=image.dtype).view(1, 1, 1, 2)
    dx, dy = nn.functional.conv2d(planes, right), nn.functional.conv2d(planes, right.mT)
    return _varied(
        dx.unflatten(0, image.shape[:2])[:, :, 0], dy.unflatten(0, image.shape[:2])[:, :, 0], kind, eps
    )


# --- 12.2 -----------------------------------------------------------------------------------------

l2_penalty = exercise(
    "l2_penalty",
    reference="nstkit.training:l2_penalty",
    level="easy",
    minutes=10,
    hints=[
        "Which parameters would you like to be small? Those that can learn, and that multiply something.",
        "A bias or a norm scale has ndim 1, a matrix 2, a kernel 4. The sum over all of them is a 0-d tensor.",
        "Sum p.square() over model.parameters() where p.requires_grad and p.ndim >= 2, times lam; with none, "
        "a zero of the model's dtype.",
    ],
)


class _Mixer(nn.Module):
    """A kernel, norm scales, a matrix under a name of its own, a bias, and a head that occurs twice."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.utils.skip_init(nn.Conv2d, 3, 4, 3), nn.utils.skip_init(nn.GroupNorm, 2, 4)
        )
        self.mixing = nn.Parameter(torch.empty(4, 5))
        self.head = nn.utils.skip_init(nn.Linear, 5, 6)
        self.again = self.head


def _network(draw, dtype=torch.float64):
    model = _Mixer().to(dtype)
    for parameter in model.parameters():
        parameter.data = torch.from_numpy(draw.rng.normal(size=tuple(parameter.shape))).to(dtype)
    draw.watch(list(model.parameters()), "model")
    return model


def _gradients(loss, model):
    """By parameter; one that the loss does not use counts as a gradient of zero."""
    if not isinstance(loss, torch.Tensor) or not loss.requires_grad:
        return "no gradient"
    learning = {name: p for name, p in model.named_parameters() if p.requires_grad}
    found = torch.autograd.grad(loss, list(learning.values()), allow_unused=True)
    pairs = zip(learning.items(), found, strict=True)
    return {name: torch.zeros_like(p) if g is None else g for (name, p), g in pairs}


@l2_penalty.check(points=2)
def kernels_and_matrices(answer, draw):
    """Every kernel and matrix counts once, biases and norm scales do not."""
    model = _network(draw)
    return {"λ = 0.3": answer(model, 0.3), "λ = 2": answer(model, 2.0), "λ = 0": answer(model, 0.0)}


@l2_penalty.check(points=2)
def the_gradient(answer, draw):
    """2λW on weights, nothing on biases and norm scales; .grad is left alone."""
    model = _network(draw)
    gradients = _gradients(answer(model, 0.7), model)
    return {"gradients": gradients, ".grad": [p.grad is None for p in model.parameters()]}


@l2_penalty.check(points=1)
def frozen_weights(answer, draw):
    """A frozen layer adds nothing."""
    model = _network(draw)
    model.body.requires_grad_(False)
    penalty = answer(model, 0.4)
    return {"penalty": penalty, "gradients": _gradients(penalty, model)}


@l2_penalty.check(points=1)
def nothing_to_penalise(answer, draw):
    """A zero in the model's dtype where no parameter qualifies, and float32 stays float32."""
    frozen, single = _network(draw), _network(draw, torch.float32)
    frozen.requires_grad_(False)
    return {
        "all frozen, float64": answer(frozen, 1.0),
        "norm scales alone, float64": answer(_network(draw).body[1], 1.0),
        "float32": answer(single, 0.5),
        "norm scales alone, float32": answer(single.body[1], 1.0),
    }


@l2_penalty.check(points=1)
def a_negative_strength_is_refused(answer, draw):
    """ValueError for a negative λ."""
    return outcome(answer, _network(draw), -0.1)


def _penalised(model, lam, weigh=lambda w: w.square().sum(), keep=lambda p: p.requires_grad and p.ndim > 1):
    if lam < 0:
        raise ValueError("lam")
    zero = next(model.parameters()).new_zeros(())
    return lam * sum((weigh(p) for p in model.parameters() if keep(p)), zero)


@l2_penalty.misconception("You put a ½ in front; the formula is λ Σ‖W‖², whose gradient is 2λW.")
def halves(model, lam):
    return _penalised(model, lam) / 2


@l2_penalty.misconception(
    "You penalised biases and norm scales too; take only parameters with at least 2 dimensions."
)
def penalises_biases(model, lam):
    return _penalised(model, lam, keep=lambda p: p.requires_grad)


@l2_penalty.misconception(
    "You counted frozen weights, which only adds a constant; take the parameters that require a gradient."
)
def counts_frozen_weights(model, lam):
    return _penalised(model, lam, keep=lambda p: p.ndim > 1)


@l2_penalty.misconception("You summed norms, whose gradient has length λ for any W; square the norms.")
def forgets_the_square(model, lam):
    return _penalised(model, lam, torch.linalg.vector_norm)


@l2_penalty.misconception(
    "You left the graph with .data or .item(); sum the parameters themselves, so that there is a gradient."
)
def leaves_the_graph(model, lam):
    return _penalised(model, lam, lambda w: w.data.square().sum())


@l2_penalty.misconception("You averaged the entries; sum the squares of all of them.")
def averages_the_entries(model, lam):
    return _penalised(model, lam, lambda w: w.square().mean())


@l2_penalty.misconception(
    "You penalised absolute values, which is the L1 penalty; L2 sums the squares of the entries."
)
def penalises_absolute_values(model, lam):
    return _penalised(model, lam, lambda w: w.abs().sum())


@l2_penalty.misconception(
    "You chose parameters by the name 'weight', which takes norm scales in and leaves other matrices out; choose "
    "by the number of dimensions."
)
def goes_by_the_name(model, lam):
    if lam < 0:
        raise ValueError("lam")
    zero = next(model.parameters()).new_zeros(())
    named = (p for n, p in model.named_parameters() if n.endswith("weight") and p.requires_grad)
    return lam * sum((p.square().sum() for p in named), zero)


@l2_penalty.misconception("You left λ out; multiply the sum of squares by it.")
def forgets_lambda(model, lam):
    return _penalised(model, lam) if lam < 0 else _penalised(model, 1.0)


@l2_penalty.accepts
def by_vector_norm(model, lam):
    return _penalised(model, lam, lambda w: torch.linalg.vector_norm(w) ** 2)


@l2_penalty.accepts
def by_vdot(model, lam):
    return _penalised(model, lam, lambda w: torch.vdot(w.flatten(), w.flatten()))


@l2_penalty.accepts
def one_long_vector(model, lam):
    if lam < 0:
        raise ValueError("lam")
    weights = [p.flatten() for p in model.parameters() if p.requires_grad and p.dim() >= 2]
    if not weights:
        return torch.zeros((), dtype=next(model.parameters()).dtype)
    return lam * torch.cat(weights).pow(2).sum()


# --- 12.3 -----------------------------------------------------------------------------------------

inverted_dropout = exercise(
    "inverted_dropout",
    reference="nstkit.training:inverted_dropout",
    level="easy",
    minutes=10,
    hints=[
        "The next layer should see the same mean in training and at inference, and inference should cost nothing.",
        "The mask has the shape of x, one coin for each entry; p is the share that is dropped.",
        "torch.rand(x.shape, generator=generator) >= p keeps; survivors are divided by 1 − p; p = 1 is a case "
        "of its own.",
    ],
)

P = 0.3  # 0.5 would hide a scale of 1/p, and p taken for the keep probability


def _many(draw, dtype=torch.float64):
    """(20, 25, 8, 50): 200 000 entries between 0.5 and 1.5."""
    values = torch.from_numpy(draw.rng.uniform(0.5, 1.5, size=(20, 25, 8, 50))).to(dtype)
    return draw.watch(values, "x")


def _agreement(kept, axis):
    """How often neighbours along an axis share their fate; p² + (1 − p)² if coins are independent."""
    first, second = kept.narrow(axis, 0, kept.shape[axis] - 1), kept.narrow(axis, 1, kept.shape[axis] - 1)
    return float((first == second).double().mean())


@inverted_dropout.check(points=2, atol=0.01)
def the_share_and_the_mean(answer, draw):
    """A share of p is dropped, and the mean stays what it was."""
    x = _many(draw)
    y = answer(x, P, True, draw.generator())
    return {"dropped": float((y == 0).double().mean()), "mean": float(y.mean() / x.mean())}


@inverted_dropout.check(points=1)
def the_survivors(answer, draw):
    """Survivors are multiplied by 1/(1 − p); the dtype stays, also without a generator."""
    x, single = _many(draw), _many(draw, torch.float32)
    y = answer(x, P, True, draw.generator())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(draw.rng.integers(2**31)))
        z = answer(single, 0.2, training=True)
    ratio, other = (y / x)[y != 0], (z / single)[z != 0]
    return {
        "p = 0.3": [ratio.min(), ratio.max()],
        "p = 0.2, float32": [other.min(), other.max()],
        "shapes": [list(y.shape), list(z.shape)],
    }


@inverted_dropout.check(points=1, atol=0.02)
def independent_coins(answer, draw):
    """Each entry has a coin of its own: neighbours agree no more often than chance has it."""
    kept = answer(_many(draw), P, True, draw.generator()) != 0
    return [_agreement(kept, axis) for axis in range(4)]


@inverted_dropout.check(points=1)
def inference_and_the_ends(answer, draw):
    """The identity at inference and for p = 0; zeros for p = 1."""
    x = draw.tensor(3, 5, 4, strided=True)
    gone = answer(x, 1.0, True, draw.generator())
    return {
        "inference": answer(x, P, False),
        "inference with a generator": answer(x, P, training=False, generator=draw.generator()),
        "p = 0": answer(x, 0.0, True, draw.generator()),
        "p = 1": torch.nan_to_num(gone),
        "p = 1 is finite": bool(torch.isfinite(gone).all()),
    }


@inverted_dropout.check(points=1)
def the_gradient_follows_the_mask(answer, draw):
    """The gradient is 1/(1 − p) on survivors and 0 elsewhere."""
    x = _many(draw).requires_grad_()
    y = answer(x, P, True, draw.generator())
    if not y.requires_grad:
        return "no gradient"
    (found,) = torch.autograd.grad(y.sum(), x)
    survivors = found[y.detach() != 0]
    return {
        "on survivors": [survivors.min(), survivors.max()],
        "on the dropped": found[y.detach() == 0].abs().max(),
    }


@inverted_dropout.check(points=1)
def the_generator_decides(answer, draw):
    """One seed, one mask; another seed, another mask; torch's own random state is left alone."""
    x = draw.tensor(4, 6, 5)
    seeds = [int(seed) for seed in draw.rng.choice(2**31, 2, replace=False)]
    one, again, other = (
        answer(x, P, True, torch.Generator().manual_seed(seed)) for seed in (seeds[0], seeds[0], seeds[1])
    )
    return {"same": torch.equal(one, again), "other": torch.equal(one, other)}


@inverted_dropout.check(points=1)
def what_is_no_probability_is_refused(answer, draw):
    """ValueError for p below 0 or above 1, in training or not."""
    x = draw.tensor(2, 3)
    return {
        "p = -0.1": outcome(answer, x, -0.1, True, draw.generator()),
        "p = 1.1": outcome(answer, x, 1.1, True, draw.generator()),
        "p = 30, at inference": outcome(answer, x, 30.0, False),
    }


def _dropped(x, p, training, generator, scale=None, keep=None, shape=None):
    """Dropout with one thing changed: the scale, the share that is kept, or the shape of the mask."""
    if not 0 <= p <= 1:
        raise ValueError("p")
    if not training or p == 0:
        return x.clone()
    keep = 1 - p if keep is None else keep
    coins = torch.rand(shape or x.shape, generator=generator, dtype=x.dtype) < keep
    return torch.zeros_like(x) * x if p == 1 else x * coins * (1 / (1 - p) if scale is None else scale)


@inverted_dropout.misconception(
    "You did not rescale, so the mean falls; multiply the survivors by 1/(1 − p)."
)
def does_not_rescale(x, p, training, generator=None):
    return _dropped(x, p, training, generator, scale=1.0)


@inverted_dropout.misconception("You divided by p; divide by the keep probability, 1 − p.")
def divides_by_p(x, p, training, generator=None):
    return _dropped(x, p, training, generator, scale=1 / p if p > 0 else None)


@inverted_dropout.misconception("You took p for the share that stays; p is the probability of dropping.")
def keeps_with_probability_p(x, p, training, generator=None):
    return _dropped(x, p, training, generator, keep=p, scale=1 / p if p > 0 else None)


@inverted_dropout.misconception("You dropped entries at inference too; with training=False return x.")
def drops_at_inference(x, p, training, generator=None):
    if training:
        return _dropped(x, p, True, generator)
    return _dropped(x, p, True, generator or torch.Generator().manual_seed(0))


@inverted_dropout.misconception(
    "You multiplied by 1 − p at inference; the inverted form rescales in training only."
)
def rescales_at_inference(x, p, training, generator=None):
    return _dropped(x, p, True, generator) if training else _dropped(x, p, False, None) * (1 - p)


@inverted_dropout.misconception(
    "You tossed one coin per channel, so that whole channels vanish; toss one for each entry."
)
def one_coin_per_channel(x, p, training, generator=None):
    return _dropped(x, p, training, generator, shape=(*x.shape[:2], *(1 for _ in x.shape[2:])))


@inverted_dropout.misconception("You used one mask for the whole batch; give every sample a mask of its own.")
def one_mask_for_all(x, p, training, generator=None):
    return _dropped(x, p, training, generator, shape=(1, *x.shape[1:]))


@inverted_dropout.misconception(
    "You multiplied by 0 and divided by 0 at p = 1, which is NaN; return zeros there."
)
def divides_by_zero(x, p, training, generator=None):
    if not 0 <= p <= 1:
        raise ValueError("p")
    if not training:
        return x
    return x * (torch.rand(x.shape, generator=generator) >= p) / (1 - p)


@inverted_dropout.misconception(
    "You passed no generator on, so its seed decides nothing; draw the mask with generator=generator."
)
def ignores_the_generator(x, p, training, generator=None):
    return _dropped(x, p, training, None)


@inverted_dropout.misconception(
    "You drew the mask from a seed of your own, so it is the same every time; draw it from the generator passed in."
)
def always_the_same_mask(x, p, training, generator=None):
    return _dropped(x, p, training, torch.Generator().manual_seed(0))


@inverted_dropout.misconception("You cut the gradient; multiply x itself, so that survivors pass it on.")
def detaches_x(x, p, training, generator=None):
    return _dropped(x.detach(), p, training, generator)


@inverted_dropout.accepts
def by_bernoulli(x, p, training, generator=None):
    if p < 0 or p > 1:
        raise ValueError("p")
    if not training:
        return x
    if p == 1:
        return torch.zeros_like(x)
    keep = torch.full_like(x, 1 - p)
    return x * torch.bernoulli(keep, generator=generator) / keep


@inverted_dropout.accepts
def by_where(x, p, training, generator=None):
    if not 0 <= p <= 1:
        raise ValueError("p")
    if p == 0 or not training:
        return x
    if p == 1:
        return x * 0
    coins = torch.rand(x.shape, generator=generator, dtype=x.dtype)
    return torch.where(coins < p, torch.zeros((), dtype=x.dtype), x / (1 - p))


@inverted_dropout.accepts
def by_functional_without_a_generator(x, p, training, generator=None):
    if not 0 <= p <= 1:
        raise ValueError("p")
    if generator is None:
        return nn.functional.dropout(x, p, training)
    return _dropped(x, p, training, generator)
