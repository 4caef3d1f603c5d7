"""Lesson 25, style enhancement: AdaIN by regions, mixing styles, guided Gram matrices, exact distributions."""

import torch

from nstkit.grading import exercise, gradient, outcome

# --- 25.1 -----------------------------------------------------------------------------------------

regional_adain = exercise(
    "regional_adain",
    reference="nstkit.transfer:regional_adain",
    level="hard",
    minutes=25,
    hints=[
        "AdaIN once per region, with the content's statistics taken inside that region; then a weighted sum.",
        "m_k is (H, W); weighted means over positions leave (C, 1, 1); style statistics are (C, 1, 1) too.",
        "m = masks/masks.sum(0); mu = (m_k·c).sum((1, 2))/m_k.sum(), the variance likewise; eps inside both roots.",
    ],
)


def _regions(draw, channels=4, height=6, width=9, count=2, dtype=torch.float64):
    """Content (C, H, W) that differs from place to place, styles of other sizes, soft masks of any sum."""
    slope = 2 * torch.linspace(-1, 1, width, dtype=dtype)
    content = draw.watch(draw.tensor(channels, height, width, dtype=dtype) + slope, "content")
    styles = [(1 + k) * draw.tensor(channels, 3 + k, 5 - k, dtype=dtype) - k for k in range(count)]
    masks = torch.from_numpy(draw.rng.uniform(0.05, 2.0, size=(count, height, width))).to(dtype)
    return content, draw.watch(styles, "styles"), draw.watch(masks, "masks")


@regional_adain.check(points=2)
def two_soft_masks(answer, draw):
    """Masks that do not sum to 1, styles of two sizes."""
    return answer(*_regions(draw))


@regional_adain.check(points=1)
def one_mask_for_all(answer, draw):
    """One region is plain AdaIN, whatever the mask's values."""
    content, styles, _ = _regions(draw, count=1)
    return answer(content, styles, draw.watch(torch.full((1, 6, 9), 0.3, dtype=torch.float64), "masks"))


@regional_adain.check(points=1)
def hard_masks(answer, draw):
    """Three regions with hard borders, one of them small."""
    content, styles, masks = _regions(draw, count=3)
    hard = torch.zeros_like(masks)
    hard[0, :, :4], hard[1, :3, 4:], hard[2, 3:, 4:] = 1, 1, 1
    return answer(content, styles, draw.watch(hard, "masks"))


@regional_adain.check(points=1)
def strength(answer, draw):
    """alpha 0, between, and beyond 1."""
    scene = _regions(draw)
    return {str(alpha): answer(*scene, alpha) for alpha in (0.0, 0.4, 1.8)} | {"eps": answer(*scene, eps=0.5)}


@regional_adain.check(points=1)
def the_gradient_by_the_content(answer, draw):
    """The gradient reaches the content, through its statistics as well."""
    content, styles, masks = _regions(draw)
    return gradient(lambda c: answer(c, styles, masks), content)


@regional_adain.check(points=1)
def single_precision(answer, draw):
    """float32 stays float32."""
    return answer(*_regions(draw, channels=3, height=5, width=8, dtype=torch.float32))


@regional_adain.check(points=1)
def masks_and_styles_that_do_not_fit_are_refused(answer, draw):
    """ValueError for another number of masks or channels, negative masks, and empty ones."""
    content, styles, masks = _regions(draw)
    negative, hole, empty = masks.clone(), masks.clone(), masks.clone()
    negative[0, 2, 3], hole[:, 1, 1], empty[1] = -0.1, 0.0, 0.0
    return {
        "one style, two masks": outcome(answer, content, styles[:1], masks),
        "a style of other channels": outcome(answer, content, [styles[0], styles[1][:3]], masks),
        "a negative entry": outcome(answer, content, styles, negative),
        "a position that no mask covers": outcome(answer, content, styles, hole),
        "a mask that is zero everywhere": outcome(answer, content, styles, empty),
    }


def _weighted_moments(c, m):
    mean = (m * c).sum((1, 2), keepdim=True) / m.sum()
    return mean, (m * (c - mean) ** 2).sum((1, 2), keepdim=True) / m.sum()


def _regional(
    content, styles, masks, alpha, eps, prepare=None, moments=_weighted_moments, blend=None, correction=0
):
    """The skeleton of 25.1."""
    if len(styles) != len(masks) or any(len(s) != len(content) for s in styles):
        raise ValueError("styles, masks")
    if (masks < 0).any() or (masks.sum(0) == 0).any() or (masks.sum((1, 2)) == 0).any():
        raise ValueError("masks")
    shares = prepare(masks) if prepare else masks / masks.sum(0)
    t = torch.zeros_like(content)
    for style, m in zip(styles, shares, strict=True):
        mean, variance = moments(content, m)
        s_var, s_mean = torch.var_mean(style, (1, 2), correction=correction, keepdim=True)
        t = t + m * ((s_var + eps).sqrt() * (content - mean) / (variance + eps).sqrt() + s_mean)
    return blend(t, content, alpha) if blend else alpha * t + (1 - alpha) * content


@regional_adain.misconception(
    "You normalised with the statistics of the whole picture; each region is normalised by its own."
)
def uses_global_statistics(content, styles, masks, alpha=1.0, eps=1e-5):
    def moments(c, m):
        variance, mean = torch.var_mean(c, (1, 2), correction=0, keepdim=True)
        return mean, variance

    return _regional(content, styles, masks, alpha, eps, moments=moments)


@regional_adain.misconception("You took the masks as they are; divide them by their sum at each position.")
def does_not_normalise_the_masks(content, styles, masks, alpha=1.0, eps=1e-5):
    return _regional(content, styles, masks, alpha, eps, prepare=lambda m: m)


@regional_adain.misconception(
    "You took the statistics of mask times content, where the zeros outside count too; use weighted means."
)
def counts_the_zeros(content, styles, masks, alpha=1.0, eps=1e-5):
    def moments(c, m):
        variance, mean = torch.var_mean(m * c, (1, 2), correction=0, keepdim=True)
        return mean, variance

    return _regional(content, styles, masks, alpha, eps, moments=moments)


@regional_adain.misconception("You divided by H·W; divide by the mask's total weight.")
def divides_by_the_area(content, styles, masks, alpha=1.0, eps=1e-5):
    def moments(c, m):
        mean = (m * c).mean((1, 2), keepdim=True)
        return mean, (m * (c - mean) ** 2).mean((1, 2), keepdim=True)

    return _regional(content, styles, masks, alpha, eps, moments=moments)


@regional_adain.misconception("You made the masks hard; soft masks weigh the statistics.")
def hardens_the_masks(content, styles, masks, alpha=1.0, eps=1e-5):
    def one_hot(m):
        return torch.nn.functional.one_hot(m.argmax(0), len(m)).movedim(-1, 0).to(m)

    return _regional(content, styles, masks, alpha, eps, prepare=one_hot)


@regional_adain.misconception("You exchanged alpha and 1 − alpha; alpha = 1 is full style.")
def turns_alpha_around(content, styles, masks, alpha=1.0, eps=1e-5):
    return _regional(content, styles, masks, alpha, eps, blend=lambda t, c, a: (1 - a) * t + a * c)


@regional_adain.misconception(
    "You clamped alpha at 1; let it go beyond: a control of strength may exaggerate."
)
def clamps_alpha(content, styles, masks, alpha=1.0, eps=1e-5):
    return _regional(content, styles, masks, min(alpha, 1.0), eps)


@regional_adain.misconception(
    "You took the style's unbiased variance; divide by the number of its positions."
)
def takes_the_unbiased_variance(content, styles, masks, alpha=1.0, eps=1e-5):
    return _regional(content, styles, masks, alpha, eps, correction=1)


@regional_adain.accepts
def by_einsum(content, styles, masks, alpha=1.0, eps=1e-5):
    if masks.shape[0] != len(styles) or not all(s.shape[0] == content.shape[0] for s in styles):
        raise ValueError("styles, masks")
    total = masks.sum(0)
    if (masks < 0).any() or (total <= 0).any() or (masks.flatten(1).sum(1) <= 0).any():
        raise ValueError("masks")
    m = masks / total
    weight = m / m.sum((1, 2), keepdim=True)
    mean = torch.einsum("khw,chw->kc", weight, content)[:, :, None, None]
    gap = content - mean  # (K, C, H, W)
    variance = torch.einsum("khw,kchw->kc", weight, gap**2)[:, :, None, None]
    style_mean = torch.stack([s.mean((1, 2)) for s in styles])[:, :, None, None]
    style_std = torch.stack([(s.var((1, 2), correction=0) + eps).sqrt() for s in styles])[:, :, None, None]
    t = torch.einsum("khw,kchw->chw", m, style_std * gap / torch.sqrt(variance + eps) + style_mean)
    return content + alpha * (t - content)


# --- 25.2 -----------------------------------------------------------------------------------------

mix_styles = exercise(
    "mix_styles",
    reference="nstkit.transfer:mix_styles",
    level="easy",
    minutes=10,
    hints=[
        "Transform the same content once per style, and average the results.",
        "Every adain(content, style) has the content's shape, whatever the size of the style.",
        "Divide the weights by their sum; each style gets one call of adain with alpha 1.0 and the eps that was given.",
    ],
)


def _styles(draw, dtype=torch.float64):
    """Content (2, 3, 5, 7) and three styles of other sizes and very different spread."""
    content = draw.tensor(2, 3, 5, 7, dtype=dtype)
    styles = [
        spread * draw.tensor(2, 3, 4 + k, 6 - k, dtype=dtype) + k for k, spread in enumerate((0.3, 1.0, 3.0))
    ]
    return content, draw.watch(styles, "styles")


@mix_styles.check(points=2)
def three_styles(answer, draw):
    """Weights that sum to 1, styles of three sizes."""
    return answer(*_styles(draw), [0.2, 0.5, 0.3])


@mix_styles.check(points=1)
def weights_of_any_sum(answer, draw):
    """Weights that do not sum to 1, and one style alone."""
    content, styles = _styles(draw)
    return {
        "any sum": answer(content, styles, [2.0, 1.0, 5.0]),
        "one alone": answer(content, styles, (0, 4, 0)),
        "a tuple and another eps": answer(content, tuple(styles), (1, 1, 2), eps=0.3),
    }


@mix_styles.check(points=1)
def gradients_flow(answer, draw):
    """Gradients reach the content and every style."""
    content, styles = _styles(draw)
    return gradient(lambda c, *s: answer(c, list(s), [1.0, 2.0, 3.0]), content, *styles)


@mix_styles.check(points=1)
def float32_stays_float32(answer, draw):
    """float32 in, float32 out."""
    return answer(*_styles(draw, torch.float32), [1.0, 2.0, 1.0])


@mix_styles.check(points=1)
def weights_that_make_no_sense_are_refused(answer, draw):
    """ValueError for another number of weights, negative ones, all zero, and another batch."""
    content, styles = _styles(draw)
    return {
        "two weights for three": outcome(answer, content, styles, [1.0, 2.0]),
        "a negative weight": outcome(answer, content, styles, [1.0, -0.5, 2.0]),
        "all zero": outcome(answer, content, styles, [0.0, 0.0, 0.0]),
        "another batch": outcome(answer, content, [styles[0][:1]], [1.0]),
    }


def _adain(content, style, eps):
    c_var, c_mean = torch.var_mean(content, (2, 3), correction=0, keepdim=True)
    s_var, s_mean = torch.var_mean(style, (2, 3), correction=0, keepdim=True)
    return (s_var + eps).sqrt() * (content - c_mean) / (c_var + eps).sqrt() + s_mean


def _refuse_weights(content, styles, weights):
    if len(weights) != len(styles) or any(w < 0 for w in weights) or not sum(weights) > 0:
        raise ValueError("weights")
    if any(s.shape[:2] != content.shape[:2] for s in styles):
        raise ValueError("styles")


@mix_styles.misconception("You did not divide the weights by their sum; divide, or the result is scaled.")
def forgets_to_normalise(content, styles, weights, eps=1e-5):
    _refuse_weights(content, styles, weights)
    return sum(w * _adain(content, s, eps) for w, s in zip(weights, styles, strict=True))


@mix_styles.misconception("You averaged variances; the formula is linear in the standard deviations.")
def averages_variances(content, styles, weights, eps=1e-5):
    _refuse_weights(content, styles, weights)
    shares = [w / sum(weights) for w in weights]
    mean = sum(w * s.mean((2, 3), keepdim=True) for w, s in zip(shares, styles, strict=True))
    variance = sum(w * s.var((2, 3), correction=0, keepdim=True) for w, s in zip(shares, styles, strict=True))
    c_var, c_mean = torch.var_mean(content, (2, 3), correction=0, keepdim=True)
    return (variance + eps).sqrt() * (content - c_mean) / (c_var + eps).sqrt() + mean


@mix_styles.misconception(
    "You pooled the styles' pixels into one; their differences then add to the spread: mix the statistics."
)
def pools_the_pixels(content, styles, weights, eps=1e-5):
    _refuse_weights(content, styles, weights)
    shares = [w / sum(weights) for w in weights]
    mean = sum(w * s.mean((2, 3), keepdim=True) for w, s in zip(shares, styles, strict=True))
    second = sum(w * s.square().mean((2, 3), keepdim=True) for w, s in zip(shares, styles, strict=True))
    c_var, c_mean = torch.var_mean(content, (2, 3), correction=0, keepdim=True)
    return (second - mean**2 + eps).sqrt() * (content - c_mean) / (c_var + eps).sqrt() + mean


@mix_styles.misconception(
    "You applied one style after the other, so only the last remains; transform the same content once per style."
)
def applies_them_in_turn(content, styles, weights, eps=1e-5):
    _refuse_weights(content, styles, weights)
    for w, s in zip(weights, styles, strict=True):
        if w:
            content = _adain(content, s, eps)
    return content


@mix_styles.misconception("You gave every style the same weight; use the weights.")
def ignores_the_weights(content, styles, weights, eps=1e-5):
    _refuse_weights(content, styles, weights)
    return sum(_adain(content, s, eps) for s in styles) / len(styles)


@mix_styles.accepts
def in_the_space_of_statistics(content, styles, weights, eps=1e-5):
    _refuse_weights(content, styles, weights)
    w = torch.tensor(weights, dtype=content.dtype)
    w = (w / w.sum()).view(-1, 1, 1, 1, 1)
    mean = torch.stack([s.mean((2, 3), keepdim=True) for s in styles])
    std = torch.stack([(s.var((2, 3), unbiased=False, keepdim=True) + eps).sqrt() for s in styles])
    c_mean = content.mean((2, 3), keepdim=True)
    c_std = (content.var((2, 3), unbiased=False, keepdim=True) + eps).sqrt()
    return (w * std).sum(0) * (content - c_mean) / c_std + (w * mean).sum(0)


@mix_styles.accepts
def by_stack_and_einsum(content, styles, weights, eps=1e-5):
    _refuse_weights(content, styles, weights)
    w = torch.tensor([v / sum(weights) for v in weights], dtype=content.dtype)
    return torch.einsum("k,kbchw->bchw", w, torch.stack([_adain(content, s, eps) for s in styles]))


# --- 25.3 -----------------------------------------------------------------------------------------

guided_gram = exercise(
    "guided_gram",
    reference="nstkit.losses:guided_gram",
    level="medium",
    minutes=15,
    hints=[
        "Weight the features by the mask, then take the Gram matrix; the mask thus enters twice.",
        "T is (H, W) and broadcasts over (…, C, H, W); flattened, the product is (…, C, HW) @ (…, HW, C).",
        "T = mask/√Σ mask², so that ΣT² = 1; no division after the product.",
    ],
)


def _soft(draw, height, width, dtype=torch.float64):
    return draw.watch(torch.from_numpy(draw.rng.uniform(size=(height, width)) ** 2).to(dtype), "mask")


@guided_gram.check(points=2)
def a_soft_mask(answer, draw):
    """A batch of two, C, H and W all different."""
    return answer(draw.features(2, 5, 4, 7), _soft(draw, 4, 7))


@guided_gram.check(points=1)
def one_picture_alone(answer, draw):
    """(C, H, W) gives (C, C)."""
    return answer(draw.features(2, 4, 6, 5)[0], _soft(draw, 6, 5))


@guided_gram.check(points=1)
def ones_scales_and_regions(answer, draw):
    """All ones, a mask times a hundred, a region with a hard border."""
    features, region = draw.features(3, 3, 5, 8), torch.zeros(5, 8, dtype=torch.float64)
    region[1:3, 2:7] = 1
    return {
        "ones": answer(features, torch.ones(5, 8, dtype=torch.float64)),
        "times a hundred": answer(features, draw.watch(100 * _soft(draw, 5, 8), "mask")),
        "a region": answer(features, draw.watch(region, "mask")),
    }


@guided_gram.check(points=1)
def the_gradient_by_the_features(answer, draw):
    """The gradient reaches the features."""
    mask = _soft(draw, 4, 5)
    return gradient(lambda f: answer(f, mask), draw.tensor(2, 3, 4, 5))


@guided_gram.check(points=1)
def float32_and_strides(answer, draw):
    """float32 stays float32; features that are not contiguous are as good as any."""
    return {
        "float32": answer(draw.features(2, 3, 5, 4, dtype=torch.float32), _soft(draw, 5, 4, torch.float32)),
        "strides": answer(draw.features(2, 4, 3, 6, strided=True), _soft(draw, 3, 6)),
    }


@guided_gram.check(points=1)
def masks_that_do_not_fit_are_refused(answer, draw):
    """ValueError for another shape, also where it would broadcast, for negative values, and for a zero mask."""
    features, mask = draw.features(2, 3, 5, 4), _soft(draw, 5, 4)
    negative = mask.clone()
    negative[2, 1] = -0.01
    return {
        "transposed": outcome(answer, features, mask.T),
        "one row": outcome(answer, features, mask[:1]),
        "negative": outcome(answer, features, negative),
        "zero": outcome(answer, features, torch.zeros(5, 4, dtype=torch.float64)),
    }


def _guided(feat, mask, weigh, scale=None, both=True):
    """The skeleton of 25.3."""
    if mask.shape != feat.shape[-2:] or (mask < 0).any() or not (mask > 0).any():
        raise ValueError("mask")
    left = (weigh(mask) * feat).flatten(-2)
    gram = left @ (left if both else feat.flatten(-2)).mT
    return gram / scale(feat, mask) if scale else gram


@guided_gram.misconception(
    "You made T sum to 1; make the sum of its squares 1, since the mask enters the product twice."
)
def sums_to_one(feat, mask):
    return _guided(feat, mask, lambda m: m / m.sum())


@guided_gram.misconception(
    "You used the mask as it is; normalise it, so that the size of the region sets no strength."
)
def uses_the_raw_mask(feat, mask):
    return _guided(feat, mask, lambda m: m)


@guided_gram.misconception(
    "The mask entered your product once; multiply the features by T first, then form the product."
)
def weights_one_factor(feat, mask):
    return _guided(feat, mask, lambda m: m / m.square().sum().sqrt(), both=False)


@guided_gram.misconception("You cut the region out with a threshold; keep the soft values.")
def cuts_the_region_out(feat, mask):
    hard = (mask > 0.5 * mask.max()).to(feat)
    return _guided(feat, mask, lambda m: hard / hard.sum().sqrt())


@guided_gram.misconception("You divided by H·W again; the normalised mask already averages.")
def divides_again(feat, mask):
    return _guided(feat, mask, lambda m: m / m.square().sum().sqrt(), lambda f, m: m.numel())


@guided_gram.accepts
def by_einsum_of_squares(feat, mask):
    if mask.shape != feat.shape[-2:] or mask.min() < 0 or mask.max() == 0:
        raise ValueError("mask")
    share = mask**2 / (mask**2).sum()
    return torch.einsum("hw,...chw,...dhw->...cd", share, feat, feat)


@guided_gram.accepts
def with_a_division_at_the_end(feat, mask):
    if tuple(mask.shape) != tuple(feat.shape[-2:]) or bool((mask < 0).any()) or float(mask.sum()) == 0:
        raise ValueError("mask")
    rows = (feat * mask).reshape(*feat.shape[:-2], -1)
    return torch.matmul(rows, rows.transpose(-1, -2)) / (mask * mask).sum()


# --- 25.4 -----------------------------------------------------------------------------------------

efdm = exercise(
    "efdm",
    reference="nstkit.transfer:efdm",
    level="medium",
    minutes=20,
    hints=[
        "The brightest place of the content gets the style's largest value, the next the next, and so on.",
        "Flatten to (N, C, HW). argsort says where each rank is; you need the rank of each place, its inverse.",
        "scatter puts the sorted style values at the places that content.argsort(dim=-1, stable=True) names; the "
        "output is the content plus a difference that carries no gradient.",
    ],
)


@efdm.check(points=2)
def every_quantile(answer, draw):
    """Two pictures, C, H and W all different."""
    return answer(draw.tensor(2, 5, 4, 7), draw.features(2, 5, 4, 7))


@efdm.check(points=1)
def ties_keep_their_order(answer, draw):
    """Content with many equal values, as behind a ReLU."""
    content = draw.watch(
        torch.from_numpy(draw.rng.integers(0, 4, size=(2, 3, 5, 4)).astype("float64")), "content"
    )
    return answer(content, draw.tensor(2, 3, 5, 4))


@efdm.check(points=1)
def the_gradient_is_the_identity(answer, draw):
    """Straight through to the content; the style is a constant."""
    style = draw.tensor(2, 3, 4, 5).requires_grad_()
    by_content = gradient(lambda c: answer(c, style), draw.tensor(2, 3, 4, 5))
    return {
        "by content": by_content,
        "the style takes part": answer(draw.tensor(2, 3, 4, 5), style).requires_grad,
    }


@efdm.check(points=1)
def float32_strides_and_lines(answer, draw):
    """float32 stays float32; strides are no trouble; a rising line of the content comes back."""
    content = draw.tensor(2, 3, 6, 4)
    return {
        "float32": answer(
            draw.tensor(2, 3, 4, 5, dtype=torch.float32), draw.tensor(2, 3, 4, 5, dtype=torch.float32)
        ),
        "strides": answer(draw.tensor(2, 4, 3, 5, strided=True), draw.tensor(2, 4, 3, 5, strided=True)),
        "3x + 1": answer(content, draw.watch(3 * content + 1, "style")),
    }


@efdm.check(points=1)
def shapes_that_differ_are_refused(answer, draw):
    """ValueError where any axis differs."""
    content = draw.tensor(2, 3, 4, 6)
    return [
        outcome(answer, content, draw.tensor(1, 3, 4, 6)),
        outcome(answer, content, draw.tensor(2, 1, 4, 6)),
        outcome(answer, content, draw.tensor(2, 3, 6, 4)),
    ]


def _ranked(content, style, target, straight=True):
    """The skeleton of 25.4: how the target is made."""
    if content.shape != style.shape:
        raise ValueError("style")
    c, s = content.detach().flatten(2), style.detach().flatten(2)
    made = target(c, s).view_as(content)
    return content + (made - content).detach() if straight else made


@efdm.misconception(
    "You gathered with argsort, which lists positions; you need ranks, which are its inverse."
)
def gathers_with_argsort(content, style):
    return _ranked(content, style, lambda c, s: s.sort(-1).values.gather(-1, c.argsort(dim=-1, stable=True)))


@efdm.misconception("You returned the style's values in their order; put them back at the content's ranks.")
def returns_the_sorted_style(content, style):
    return _ranked(content, style, lambda c, s: s.sort(-1).values)


@efdm.misconception("You ranked all channels together; match each channel of each picture alone.")
def ranks_channels_together(content, style):
    def target(c, s):
        flat, values = c.flatten(1), s.flatten(1).sort(-1).values
        return flat.scatter(-1, flat.argsort(dim=-1, stable=True), values)

    return _ranked(content, style, target)


@efdm.misconception(
    "You matched the largest with the smallest, which gives a negative; smallest goes to smallest."
)
def matches_upside_down(content, style):
    return _ranked(
        content,
        style,
        lambda c, s: c.scatter(-1, c.argsort(dim=-1, stable=True), s.sort(-1, descending=True).values),
    )


@efdm.misconception(
    "You stopped the gradient; add (target − content).detach() to the content, and it passes straight through."
)
def stops_the_gradient(content, style):
    return _ranked(
        content,
        style,
        lambda c, s: c.scatter(-1, c.argsort(dim=-1, stable=True), s.sort(-1).values),
        straight=False,
    )


@efdm.misconception("You matched mean and deviation only; every quantile is asked for.")
def matches_two_moments(content, style):
    def target(c, s):
        c_var, c_mean = torch.var_mean(c, -1, correction=0, keepdim=True)
        s_var, s_mean = torch.var_mean(s, -1, correction=0, keepdim=True)
        return (c - c_mean) * (s_var / (c_var + 1e-12)).sqrt() + s_mean

    return _ranked(content, style, target)


@efdm.misconception("You let the gradient into the style; it is a constant.")
def teaches_the_style(content, style):
    if content.shape != style.shape:
        raise ValueError("style")
    c, values = content.detach().flatten(2), style.flatten(2).sort(-1).values
    target = c.scatter(-1, c.argsort(dim=-1, stable=True), values).view_as(content)
    return target + (content - content.detach())


@efdm.accepts
def by_two_argsorts(content, style):
    if content.shape != style.shape:
        raise ValueError("style")
    rank = content.detach().flatten(2).argsort(dim=-1, stable=True).argsort(dim=-1)
    target = style.detach().flatten(2).sort(-1)[0].gather(-1, rank).reshape(content.shape)
    return content + (target - content).detach()


@efdm.accepts
def row_by_row_in_numpy(content, style):
    if tuple(content.shape) != tuple(style.shape):
        raise ValueError("style")
    out = content.detach().clone()
    for n in range(len(out)):
        for k in range(out.shape[1]):
            row = content[n, k].detach().numpy().ravel()
            values = sorted(style[n, k].detach().numpy().ravel().tolist())
            target = row.copy()
            target[row.argsort(kind="stable")] = values
            out[n, k] = torch.from_numpy(target).view(out.shape[2:])
    return content + (out - content).detach()
