"""Lesson 03, style loss: Gram matrices, Gatys' loss, its gradient, and the kernel view."""

import numpy as np
import torch

from nstkit.grading import exercise, gradient, outcome

# --- 3.1 ------------------------------------------------------------------------------------------

gram_matrix = exercise(
    "gram_matrix",
    reference="nstkit.losses:gram_matrix",
    level="easy",
    minutes=10,
    hints=[
        "Style keeps which channels fire together and forgets where: sum products of channels over positions.",
        "Bring (B, C, H, W) to (B, C, H·W) without moving the channel axis; the product with its own "
        "transpose must be (B, C, C).",
        "torch.bmm on the flattened features and their transpose(1, 2), then one division chosen by name.",
    ],
)


@gram_matrix.check(points=2)
def two_images_by_default(answer, draw):
    """Two images, C, H and W all different, divided by C·H·W."""
    return answer(draw.features(2, 5, 4, 7))


@gram_matrix.check(points=1)
def every_normalisation(answer, draw):
    """ "chw", "hw" and "none" divide by C·H·W, H·W and 1."""
    features = draw.tensor(3, 4, 6, 5)
    return {name: answer(features, name) for name in ("chw", "hw", "none")} | {
        "by keyword": answer(features, normalize="hw")
    }


@gram_matrix.check(points=1)
def single_precision_and_strides(answer, draw):
    """float32 stays float32, and a tensor that is not contiguous is as good as any."""
    return {
        "float32": answer(draw.features(2, 3, 5, 4, dtype=torch.float32)),
        "not contiguous": answer(draw.features(2, 6, 3, 4, strided=True)),
    }


@gram_matrix.check(points=1)
def gradients_flow(answer, draw):
    """The gradient reaches the features."""
    return gradient(lambda f: answer(f, "hw"), draw.tensor(2, 3, 4, 5))


@gram_matrix.check(points=1)
def bad_input_is_refused(answer, draw):
    """ValueError for another name, and for features that are not 4-D."""
    features = draw.features(2, 3, 5, 4)
    return {
        'normalize="wh"': outcome(answer, features, "wh"),
        "features of one image, (C, H, W)": outcome(answer, draw.features(2, 3, 5, 4)[0]),
        "flattened features, (B, C, H·W)": outcome(answer, features.flatten(2)),
    }


def _divisor(features, normalize):
    _, channels, height, width = features.shape
    return {"chw": channels * height * width, "hw": height * width, "none": 1}[normalize]


def _refuse(features, normalize):
    if features.ndim != 4 or normalize not in ("chw", "hw", "none"):
        raise ValueError("features, normalize")


@gram_matrix.misconception(
    "You folded the batch into the channels; keep the batch axis: each image has its own Gram matrix."
)
def folds_the_batch_into_channels(features, normalize="chw"):
    _refuse(features, normalize)
    flat = features.reshape(-1, features.shape[2] * features.shape[3])
    return flat @ flat.T / _divisor(features, normalize)


@gram_matrix.misconception(
    "You reshaped to (B, H·W, C), but reshape does not move the channel axis; use flatten(2)."
)
def reshapes_without_moving_the_channels(features, normalize="chw"):
    _refuse(features, normalize)
    batch, channels, height, width = features.shape
    rows = features.reshape(batch, height * width, channels)
    return rows.transpose(1, 2) @ rows / _divisor(features, normalize)


@gram_matrix.misconception('You divided by H·W where "chw" was asked for; divide by C·H·W.')
def forgets_the_channels_in_chw(features, normalize="chw"):
    _refuse(features, normalize)
    flat = features.flatten(2)
    return flat @ flat.mT / _divisor(features, "hw" if normalize == "chw" else normalize)


@gram_matrix.misconception(
    "You centred the features, which gives a covariance; a Gram matrix uses the raw features."
)
def centres_the_features(features, normalize="chw"):
    _refuse(features, normalize)
    flat = features.flatten(2)
    flat = flat - flat.mean(2, keepdim=True)
    return flat @ flat.mT / _divisor(features, normalize)


@gram_matrix.misconception(
    "You correlated positions and got H·W × H·W; correlate channels, so that the result is C × C."
)
def correlates_positions(features, normalize="chw"):
    _refuse(features, normalize)
    flat = features.flatten(2)
    return flat.mT @ flat / _divisor(features, normalize)


@gram_matrix.misconception("You ignored `normalize`; divide by C·H·W, H·W or 1, as it says.")
def ignores_the_name(features, normalize="chw"):
    _refuse(features, normalize)
    flat = features.flatten(2)
    return flat @ flat.mT / _divisor(features, "chw")


@gram_matrix.misconception(
    "You cut the gradient; stay with tensors and do not detach: the loss must reach the pixels."
)
def detaches(features, normalize="chw"):
    _refuse(features, normalize)
    flat = features.detach().flatten(2)
    return flat @ flat.mT / _divisor(features, normalize)


@gram_matrix.accepts
def by_einsum(features, normalize="chw"):
    _refuse(features, normalize)
    return torch.einsum("bchw,bdhw->bcd", features, features) / _divisor(features, normalize)


@gram_matrix.accepts
def by_bmm(features, normalize="chw"):
    _refuse(features, normalize)
    flat = features.reshape(*features.shape[:2], -1)
    return torch.bmm(flat, flat.transpose(1, 2)).div(_divisor(features, normalize))


@gram_matrix.accepts
def scales_the_features_first(features, normalize="chw"):
    _refuse(features, normalize)
    flat = features.flatten(2) / _divisor(features, normalize) ** 0.5
    return flat @ flat.mT


@gram_matrix.accepts
def image_by_image(features, normalize="chw"):
    _refuse(features, normalize)
    rows = [image.flatten(1) for image in features]
    return torch.stack([row @ row.T for row in rows]) / _divisor(features, normalize)


# --- 3.2 ------------------------------------------------------------------------------------------

gatys_style_loss = exercise(
    "gatys_style_loss",
    reference="nstkit.losses:gatys_style_loss",
    level="medium",
    minutes=20,
    hints=[
        "One number per layer: how far apart the two Gram matrices are. Then add the layers up, weighted.",
        "Divide each Gram matrix by its own number of positions; both are (B, C, C), and the squared Frobenius "
        "norm of the difference leaves (B,).",
        "Per layer (gram_g − gram_s).square().sum((1, 2)) / (4·C²), averaged over the batch; detach the style.",
    ],
)


def _layers(draw, batch=2, style_batch=2, style_size=(4, 7), dtype=torch.float64):
    """Features of two layers with different C, and a style of the same C at its own size."""
    height, width = style_size
    generated = {
        "relu1": draw.features(batch, 5, 4, 7, dtype=dtype),
        "relu2": draw.features(batch, 3, 5, 6, dtype=dtype),
    }
    style = {
        "relu1": draw.features(style_batch, 5, height, width, dtype=dtype),
        "relu2": draw.features(style_batch, 3, height + 1, width - 1, dtype=dtype),
    }
    return generated, style


@gatys_style_loss.check(points=2)
def two_layers_of_one_size(answer, draw):
    """Two layers with different C, both images of one size: Gatys' constant exactly."""
    generated, style = _layers(draw)
    return answer(generated, style, {"relu1": 0.3, "relu2": 2.0})


@gatys_style_loss.check(points=1)
def the_style_has_its_own_size(answer, draw):
    """A style image of another size, and a single style for two images."""
    generated, style = _layers(draw, style_batch=1, style_size=(6, 9))
    return answer(generated, style, {"relu1": 0.7, "relu2": 1.6})


@gatys_style_loss.check(points=1)
def weights_choose_the_layers(answer, draw):
    """Only the layers in `weights` count, each by its own weight."""
    generated, style = _layers(draw)
    return [
        answer(generated, style, {"relu2": 0.25}),
        answer(generated, style, {"relu1": 1.0, "relu2": 0.0}),
        answer(generated, style, {"relu1": 4.0, "relu2": 5.0}),
    ]


@gatys_style_loss.check(points=1)
def single_precision(answer, draw):
    """float32 in, float32 out."""
    generated, style = _layers(draw, batch=3, style_batch=3, dtype=torch.float32)
    return answer(generated, style, {"relu1": 1.0, "relu2": 0.5})


@gatys_style_loss.check(points=1)
def only_the_generated_image_learns(answer, draw):
    """The gradient reaches the generated features and never the style's."""
    generated, style = _layers(draw)
    leaves = {name: layer.detach().requires_grad_() for name, layer in generated.items()}
    targets = {name: layer.detach().requires_grad_() for name, layer in style.items()}
    loss = answer(leaves, targets, {"relu1": 0.4, "relu2": 1.5})
    if not loss.requires_grad:
        return "no gradient"
    loss.backward()
    return {
        "gradient of the generated features": [layer.grad for layer in leaves.values()],
        "the style stays without a gradient": [layer.grad is None for layer in targets.values()],
    }


@gatys_style_loss.check(points=1)
def what_cannot_be_compared_is_refused(answer, draw):
    """KeyError for a missing layer, ValueError for no weights or different C."""
    generated, style = _layers(draw)
    other = {"relu1": draw.features(2, 4, 4, 7), "relu2": style["relu2"]}
    return {
        "a weight for a layer nobody has": outcome(answer, generated, style, {"relu1": 1.0, "relu9": 1.0}),
        "a layer that the style lacks": outcome(answer, generated, {"relu1": style["relu1"]}, {"relu2": 1.0}),
        "no weights": outcome(answer, generated, style, {}),
        "different C": outcome(answer, generated, other, {"relu1": 1.0, "relu2": 1.0}),
    }


def _gram(features, positions=None):
    flat = features.flatten(2)
    return flat @ flat.mT / (positions or flat.shape[2])


def _weighted(generated, style, weights, layer_loss, detach=True):
    """The skeleton that the variants and misconceptions of 3.2 share: only the layer's loss differs."""
    if not weights:
        raise ValueError("weights")
    total = 0.0
    for name, weight in weights.items():
        g, s = generated[name], style[name]
        if g.shape[1] != s.shape[1]:
            raise ValueError("channels")
        total = total + weight * layer_loss(g, s.detach() if detach else s)
    return total


def _gatys(g, s):
    return (_gram(g) - _gram(s)).square().sum((1, 2)).mean() / (4 * g.shape[1] ** 2)


@gatys_style_loss.misconception(
    "You summed the same norm over the channels and divided by C·H·W; the constant is 1/(4C²M²), and there is no "
    "second sum."
)
def repeats_the_norm_over_the_channels(generated, style, weights):
    def layer(g, s):
        gap = (_gram(g, 1) - _gram(s, 1)).square().sum((1, 2)).mean()
        return gap * g.shape[1] / (g.shape[1] * g.shape[2] * g.shape[3])

    return _weighted(generated, style, weights, layer)


@gatys_style_loss.misconception("You left the ¼ out; Gatys' constant is 1/(4C²M²).")
def forgets_the_quarter(generated, style, weights):
    return _weighted(generated, style, weights, lambda g, s: 4 * _gatys(g, s))


@gatys_style_loss.misconception("You took the Frobenius norm itself; square it.")
def takes_the_root(generated, style, weights):
    def layer(g, s):
        return torch.linalg.matrix_norm(_gram(g) - _gram(s)).mean() / (4 * g.shape[1] ** 2)

    return _weighted(generated, style, weights, layer)


@gatys_style_loss.misconception(
    "You divided both Gram matrices by the generated image's positions; divide each by its own H·W."
)
def divides_both_by_one_size(generated, style, weights):
    def layer(g, s):
        positions = g.shape[2] * g.shape[3]
        return (_gram(g) - _gram(s, positions)).square().sum((1, 2)).mean() / (4 * g.shape[1] ** 2)

    return _weighted(generated, style, weights, layer)


@gatys_style_loss.misconception(
    "You gave every layer the same weight; the loss is Σ w·E, each layer with its own w."
)
def ignores_the_layer_weights(generated, style, weights):
    return _weighted(generated, style, dict.fromkeys(weights, 1.0), _gatys)


@gatys_style_loss.misconception("You averaged the layers; the loss is the plain sum Σ w·E.")
def averages_the_layers(generated, style, weights):
    return _weighted(generated, style, weights, _gatys) / len(weights)


@gatys_style_loss.misconception(
    "You let the gradient into the style features; detach the style: it is a constant."
)
def teaches_the_style(generated, style, weights):
    return _weighted(generated, style, weights, _gatys, detach=False)


@gatys_style_loss.misconception("You summed over the images of the batch; average over them.")
def sums_over_the_batch(generated, style, weights):
    def layer(g, s):
        return (_gram(g) - _gram(s)).square().sum() / (4 * g.shape[1] ** 2)

    return _weighted(generated, style, weights, layer)


@gatys_style_loss.accepts
def by_mse_loss(generated, style, weights):
    def layer(g, s):
        a, b = torch.broadcast_tensors(_gram(g), _gram(s))
        return torch.nn.functional.mse_loss(a, b) / 4

    return _weighted(generated, style, weights, layer)


@gatys_style_loss.accepts
def written_out_as_gatys(generated, style, weights):
    def layer(g, s):
        m_g, m_s = g.shape[2] * g.shape[3], s.shape[2] * s.shape[3]
        gap = torch.einsum("bchw,bdhw->bcd", g, g) / m_g - torch.einsum("bchw,bdhw->bcd", s, s) / m_s
        return torch.stack([(item**2).sum() for item in gap]).mean() / 4 / g.shape[1] ** 2

    return _weighted(generated, style, weights, layer)


# --- 3.3 ------------------------------------------------------------------------------------------

gram_loss_grad = exercise(
    "gram_loss_grad",
    reference="nstkit.theory:gram_loss_grad",
    level="medium",
    minutes=20,
    hints=[
        "Differentiate in two steps: the loss by G, then G by F. F occurs twice in F Fᵀ.",
        "The result has the shape of F, (N, M): an (N, N) error applied to the features.",
        "Both factors of 2 cancel the 4, so what is left is the Gram error times F, over N²M².",
    ],
)


def _symmetric(draw, n):
    half = draw.array(n, n)
    return draw.watch(half + half.T, "target_gram")


@gram_loss_grad.check(points=2)
def the_closed_form(answer, draw):
    """Five channels, eight positions."""
    return answer(draw.array(5, 8), _symmetric(draw, 5))


@gram_loss_grad.check(points=1)
def more_channels_than_positions(answer, draw):
    """N > M, and features that are a strided view."""
    return {
        "N > M": answer(draw.array(7, 3), _symmetric(draw, 7)),
        "a strided view": answer(draw.array(4, 6, strided=True), _symmetric(draw, 4)),
    }


@gram_loss_grad.check(points=1, atol=1e-12)
def zero_at_the_target(answer, draw):
    """No error, no gradient."""
    features = draw.array(4, 6)
    return answer(features, draw.watch(features @ features.T, "target_gram"))


@gram_loss_grad.check(points=1)
def wrong_shapes_are_refused(answer, draw):
    """ValueError for shapes that do not fit, and for a target that is not symmetric."""
    features, target = draw.array(4, 6), _symmetric(draw, 4)
    skewed = target.copy()
    skewed[0, 1] += 1e-3 * np.abs(target).max()
    return {
        "a target of another size": outcome(answer, features, _symmetric(draw, 6)),
        "a target that is not square": outcome(answer, features, draw.array(4, 6)),
        "a target that is not symmetric": outcome(answer, features, draw.watch(skewed, "target_gram")),
    }


def _refuse_target(features, target):
    n = features.shape[0]
    if target.shape != (n, n) or not np.allclose(target, target.T, rtol=0, atol=1e-8 * np.abs(target).max()):
        raise ValueError("target_gram")


@gram_loss_grad.misconception(
    "Your result is twice too large; the square and the double F give 2·2, and that cancels the 4 exactly."
)
def leaves_a_factor_of_two(features, target_gram):
    _refuse_target(features, target_gram)
    n, m = features.shape
    return 2 * (features @ features.T - target_gram) @ features / (n * m) ** 2


@gram_loss_grad.misconception(
    "Your result is half of the gradient; F occurs twice in F Fᵀ, which gives a second factor of 2."
)
def forgets_that_f_occurs_twice(features, target_gram):
    _refuse_target(features, target_gram)
    n, m = features.shape
    return (features @ features.T - target_gram) @ features / (2 * (n * m) ** 2)


@gram_loss_grad.misconception(
    "You kept the ¼ of the loss; the factors of 2 from the square and from the double F cancel it."
)
def keeps_the_quarter(features, target_gram):
    _refuse_target(features, target_gram)
    n, m = features.shape
    return (features @ features.T - target_gram) @ features / (4 * (n * m) ** 2)


@gram_loss_grad.misconception("You differentiated A − G; the gradient points uphill, along G − A.")
def points_downhill(features, target_gram):
    _refuse_target(features, target_gram)
    n, m = features.shape
    return (target_gram - features @ features.T) @ features / (n * m) ** 2


@gram_loss_grad.misconception("You returned the transpose, (M, N); a gradient has the shape of F, (N, M).")
def returns_the_transpose(features, target_gram):
    _refuse_target(features, target_gram)
    n, m = features.shape
    return features.T @ (features @ features.T - target_gram) / (n * m) ** 2


@gram_loss_grad.misconception("You divided by N·M; the constant is N²M², both sizes squared.")
def forgets_to_square_the_sizes(features, target_gram):
    _refuse_target(features, target_gram)
    n, m = features.shape
    return (features @ features.T - target_gram) @ features / (n * m)


@gram_loss_grad.accepts
def by_einsum_too(features, target_gram):
    _refuse_target(features, target_gram)
    error = np.einsum("ik,jk->ij", features, features) - target_gram
    return np.einsum("ij,jk->ik", error, features) / features.size**2


# --- 3.4 ------------------------------------------------------------------------------------------

gram_mmd2 = exercise(
    "gram_mmd2",
    reference="nstkit.domain:gram_mmd2",
    level="hard",
    minutes=25,
    hints=[
        "A kernel compares one feature vector with another; MMD² compares all pairs within and between the sets.",
        "x @ y.T holds all inner products, (M, K); the kernel acts on each entry before any averaging.",
        "Three means of squared inner products: within x, within y, and the mixed one, which counts twice.",
    ],
)


@gram_mmd2.check(points=2)
def two_sets_of_vectors(answer, draw):
    """Sets of different size, vectors of non-zero mean."""
    return answer(draw.tensor(6, 4), draw.watch(draw.tensor(9, 4) + 0.5, "y"))


@gram_mmd2.check(points=1, atol=1e-10)
def zero_for_equal_sets(answer, draw):
    """The distance of a set to itself is zero up to rounding."""
    x = draw.tensor(7, 3)
    return answer(x, x.flip(0))


@gram_mmd2.check(points=1)
def single_precision_and_strided_sets(answer, draw):
    """float32 stays float32; a transposed feature map is as good as any."""
    return {
        "float32": answer(draw.tensor(5, 4, dtype=torch.float32), draw.tensor(8, 4, dtype=torch.float32)),
        "not contiguous": answer(draw.tensor(5, 3, strided=True), draw.tensor(6, 3, strided=True)),
    }


@gram_mmd2.check(points=1)
def gradients_reach_both_sets(answer, draw):
    """Gradients with respect to x and y."""
    return gradient(answer, draw.tensor(5, 3), draw.tensor(7, 3))


@gram_mmd2.check(points=1)
def sets_that_do_not_fit_are_refused(answer, draw):
    """ValueError for vectors of different length and for an empty set."""
    return {
        "vectors of different length": outcome(answer, draw.tensor(5, 3), draw.tensor(5, 4)),
        "an empty y": outcome(answer, draw.tensor(5, 3), draw.tensor(0, 3)),
        "an empty x": outcome(answer, draw.tensor(0, 3), draw.tensor(5, 3)),
    }


def _refuse_sets(x, y):
    if x.shape[1] != y.shape[1] or not len(x) or not len(y):
        raise ValueError("x, y")


@gram_mmd2.misconception("You used the linear kernel, which compares means only; square the inner product.")
def uses_the_linear_kernel(x, y):
    _refuse_sets(x, y)
    return (x @ x.T).mean() + (y @ y.T).mean() - 2 * (x @ y.T).mean()


@gram_mmd2.misconception(
    "You added 1 inside the kernel, which brings the means in; the Gram kernel has no constant."
)
def adds_a_constant(x, y):
    _refuse_sets(x, y)
    kernel = [(a @ b.T + 1).square().mean() for a, b in ((x, x), (y, y), (x, y))]
    return kernel[0] + kernel[1] - 2 * kernel[2]


@gram_mmd2.misconception(
    "You left the diagonal out (the unbiased estimator); keep the pairs of a vector with itself."
)
def drops_the_diagonal(x, y):
    _refuse_sets(x, y)

    def within(a):
        k = (a @ a.T).square()
        return (k.sum() - k.diagonal().sum()) / (len(a) * (len(a) - 1))

    return within(x) + within(y) - 2 * (x @ y.T).square().mean()


@gram_mmd2.misconception("You subtracted the mixed term once; it counts twice.")
def counts_the_mixed_term_once(x, y):
    _refuse_sets(x, y)
    return (x @ x.T).square().mean() + (y @ y.T).square().mean() - (x @ y.T).square().mean()


@gram_mmd2.misconception("You squared the means; square every kernel value first, then average.")
def squares_the_means(x, y):
    _refuse_sets(x, y)
    return (x @ x.T).mean() ** 2 + (y @ y.T).mean() ** 2 - 2 * (x @ y.T).mean() ** 2


@gram_mmd2.misconception("You returned MMD, the root; MMD² itself is asked for.")
def takes_the_root_of_mmd2(x, y):
    _refuse_sets(x, y)
    return (x.T @ x / len(x) - y.T @ y / len(y)).square().sum().clamp(min=0).sqrt()


@gram_mmd2.accepts
def by_the_gram_identity(x, y):
    _refuse_sets(x, y)
    return (x.T @ x / len(x) - y.T @ y / len(y)).square().sum()


@gram_mmd2.accepts
def pair_by_pair(x, y):
    _refuse_sets(x, y)

    def mean_kernel(a, b):
        return torch.stack([(u @ v) ** 2 for u in a for v in b]).mean()

    return mean_kernel(x, x) + mean_kernel(y, y) - 2 * mean_kernel(x, y)
