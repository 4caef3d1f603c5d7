"""Lesson 19, feature matching: batch means, pairs over scales, and patches by correlation."""

import numpy as np
import torch

from nstkit.grading import exercise, outcome

# --- 19.1 -----------------------------------------------------------------------------------------

feature_matching_loss = exercise(
    "feature_matching_loss",
    reference="nstkit.gan:feature_matching_loss",
    level="easy",
    minutes=10,
    hints=[
        "Nobody says which fake belongs to which real sample. What can two crowds be compared by?",
        "Averaging over axis 0 leaves the trailing shape, however many samples there were; then one number is left.",
        "Per layer: mean over the batch on both sides (the real one detached), difference, square, sum over all of it.",
    ],
)


def _crowds(draw, n_real=3, n_fake=4, dtype=torch.float64):
    """Features of two layers, real and fake, with means that differ."""
    shapes = (5, 4, 7), (3, 6, 5)
    real = [draw.watch(draw.tensor(n_real, *s, dtype=dtype) + 0.3, "real") for s in shapes]
    return real, [draw.watch(draw.tensor(n_fake, *s, dtype=dtype) * 1.5, "fake") for s in shapes]


@feature_matching_loss.check(points=2)
def as_many_fakes_as_reals(answer, draw):
    """Two layers, four samples on each side."""
    return answer(*_crowds(draw, 4, 4))


@feature_matching_loss.check(points=1)
def another_number_of_fakes(answer, draw):
    """Three real samples and five fakes; then a layer of plain vectors, (N, C)."""
    return {
        "feature maps": answer(*_crowds(draw, 3, 5)),
        "vectors": answer([draw.tensor(6, 5)], [draw.tensor(2, 5)]),
    }


@feature_matching_loss.check(points=1)
def single_precision_and_strides(answer, draw):
    """float32 stays float32, and tensors that are not contiguous are as good as any."""
    return {
        "float32": answer(*_crowds(draw, dtype=torch.float32)),
        "not contiguous": answer(
            [draw.tensor(3, 4, 5, 6, strided=True)], [draw.tensor(2, 4, 5, 6, strided=True)]
        ),
    }


@feature_matching_loss.check(points=1)
def only_the_generator_learns(answer, draw):
    """The gradient reaches every fake sample and no real one."""
    real, fake = ([x.clone().requires_grad_() for x in side] for side in _crowds(draw))
    loss = answer(real, fake)
    if not loss.requires_grad:
        return "no gradient"
    loss.backward()
    return {"fake": [x.grad for x in fake], "real stays without": [x.grad is None for x in real]}


@feature_matching_loss.check(points=1)
def what_does_not_fit_is_refused(answer, draw):
    """ValueError for no layer, for layers missing on one side, and for other trailing shapes."""
    real, fake = _crowds(draw)
    return {
        "no layer": outcome(answer, [], []),
        "a layer fewer": outcome(answer, real, fake[:1]),
        "trailing shapes that would broadcast": outcome(
            answer, [draw.tensor(3, 5, 1)], [draw.tensor(3, 5, 4)]
        ),
        "the layers in another order": outcome(answer, real, fake[::-1]),
    }


def _refuse_layers(real, fake):
    if (
        not real
        or len(real) != len(fake)
        or any(r.shape[1:] != f.shape[1:] for r, f in zip(real, fake, strict=True))
    ):
        raise ValueError("real, fake")


def _over_layers(real, fake, layer, detach=True):
    """The skeleton that the variants and misconceptions of 19.1 share: only the layer's loss differs."""
    _refuse_layers(real, fake)
    return sum(layer(r.detach() if detach else r, f) for r, f in zip(real, fake, strict=True))


@feature_matching_loss.misconception(
    "You compared fake i with real i, and nothing pairs them; compare the batch means."
)
def compares_sample_by_sample(real, fake):
    return _over_layers(real, fake, lambda r, f: (f - r).square().flatten(1).sum(1).mean())


@feature_matching_loss.misconception(
    "You averaged over the features; the squared norm is their sum: only the batch is averaged."
)
def averages_over_the_features(real, fake):
    return _over_layers(real, fake, lambda r, f: (f.mean(0) - r.mean(0)).square().mean())


@feature_matching_loss.misconception("You took the norm itself; the published loss is its square.")
def takes_the_root(real, fake):
    return _over_layers(real, fake, lambda r, f: (f.mean(0) - r.mean(0)).square().sum().sqrt())


@feature_matching_loss.misconception("You summed absolute differences; this loss squares them.")
def takes_absolute_values(real, fake):
    return _over_layers(real, fake, lambda r, f: (f.mean(0) - r.mean(0)).abs().sum())


@feature_matching_loss.misconception(
    "You averaged over positions too, as a style loss does; average over the batch only and keep positions apart."
)
def averages_over_positions(real, fake):
    def layer(r, f):
        rows = [x.flatten(2).mean(2) if x.ndim > 2 else x for x in (r, f)]
        return (rows[1].mean(0) - rows[0].mean(0)).square().sum()

    return _over_layers(real, fake, layer)


@feature_matching_loss.misconception(
    "You summed over the samples, so a larger batch looks like a larger gap; divide each side by its own batch size."
)
def sums_over_the_batch(real, fake):
    return _over_layers(real, fake, lambda r, f: (f.sum(0) - r.sum(0)).square().sum())


@feature_matching_loss.misconception(
    "You let the gradient into the real features, which would move the target; detach them."
)
def teaches_the_real_side(real, fake):
    return _over_layers(real, fake, lambda r, f: (f.mean(0) - r.mean(0)).square().sum(), detach=False)


@feature_matching_loss.misconception("You averaged the layers; the loss is their plain sum.")
def averages_the_layers(real, fake):
    return flattened_first(real, fake) / len(real)


@feature_matching_loss.accepts
def flattened_first(real, fake):
    return _over_layers(real, fake, lambda r, f: ((f.flatten(1).mean(0) - r.flatten(1).mean(0)) ** 2).sum())


@feature_matching_loss.accepts
def by_vector_norm(real, fake):
    _refuse_layers(real, fake)
    total = 0.0
    for r, f in zip(real, fake, strict=True):
        with torch.no_grad():
            target = r.mean(dim=0)
        total = total + torch.linalg.vector_norm(torch.mean(f, dim=0) - target) ** 2
    return total


@feature_matching_loss.accepts
def by_mse_loss(real, fake):
    def layer(r, f):
        return torch.nn.functional.mse_loss(f.sum(0) / len(f), r.sum(0) / len(r), reduction="sum")

    return _over_layers(real, fake, layer)


# --- 19.2 -----------------------------------------------------------------------------------------

multiscale_feature_matching = exercise(
    "multiscale_feature_matching",
    reference="nstkit.gan:multiscale_feature_matching",
    level="medium",
    minutes=15,
    hints=[
        "Here every fake has a partner, so samples may be compared one by one; and the verdict is no feature.",
        "Three means inside each other: over the elements of a layer, over the layers of a scale, over the scales.",
        "For each scale: the mean absolute difference of every layer but the last, averaged; then average, times lam.",
    ],
)


def _pyramid(draw, dtype=torch.float64):
    """Three scales with two, four and three layers; the last of each is a score map."""
    shapes = [
        [(2, 4, 6, 5), (2, 1, 3, 4)],
        [(2, 3, 5, 7), (2, 5, 4, 3), (2, 7, 2, 3), (2, 1, 2, 4)],
        [(2, 3, 4, 5), (2, 6, 3, 2), (2, 1, 3, 2)],
    ]
    sides = [
        [[draw.tensor(*s, dtype=dtype) * (k + 1) for k, s in enumerate(row)] for row in shapes]
        for _ in range(2)
    ]
    return draw.watch(sides[0], "real"), draw.watch(sides[1], "fake")


@multiscale_feature_matching.check(points=2)
def three_scales(answer, draw):
    """Three scales of different depth, with the default weight."""
    return answer(*_pyramid(draw))


@multiscale_feature_matching.check(points=1)
def another_weight(answer, draw):
    """The weight, by position and by name; also a single scale."""
    real, fake = _pyramid(draw)
    return [answer(real, fake, 2.5), answer(real, fake, lam=0.5), answer(real[1:2], fake[1:2], lam=1.0)]


@multiscale_feature_matching.check(points=1)
def the_verdict_does_not_count(answer, draw):
    """Other score maps change nothing."""
    real, fake = _pyramid(draw)
    other = [[*row[:-1], row[-1] * 50 - 7] for row in fake]
    return {
        "other score maps": answer(real, other),
        "constant": answer(real, [[x + 0.25 for x in row] for row in real]),
    }


@multiscale_feature_matching.check(points=1)
def single_precision(answer, draw):
    """float32 in, float32 out."""
    return answer(*_pyramid(draw, torch.float32))


@multiscale_feature_matching.check(points=1)
def only_the_fakes_learn(answer, draw):
    """The gradient reaches the fake features and never the real ones."""
    real, fake = ([[x.clone().requires_grad_() for x in row] for row in side] for side in _pyramid(draw))
    loss = answer(real, fake)
    if not loss.requires_grad:
        return "no gradient"
    loss.backward()
    moved = [[x.grad for x in row[:-1]] for row in fake]
    return {"fake": moved, "real stays without": [x.grad is None for row in real for x in row]}


@multiscale_feature_matching.check(points=1)
def what_has_no_partner_is_refused(answer, draw):
    """ValueError for no scale, a scale of one layer, missing scales or layers, and shapes that differ."""
    real, fake = _pyramid(draw)
    single = [row[:1] for row in fake[1:2]]
    return {
        "no scale": outcome(answer, [], []),
        "only a score map": outcome(answer, [row[-1:] for row in real], [row[-1:] for row in fake]),
        "a scale fewer": outcome(answer, real, fake[:2]),
        "a layer fewer": outcome(answer, real, [fake[0], fake[1][1:], fake[2]]),
        "one layer against four": outcome(answer, real[1:2], single),
        "a batch of one against two": outcome(answer, real, [[x[:1] for x in row] for row in fake]),
        "other sizes": outcome(answer, [[x.mT for x in row] for row in real], fake),
    }


def _refuse_scales(real, fake):
    if not real or len(real) != len(fake):
        raise ValueError("real, fake")
    for r, f in zip(real, fake, strict=True):
        if len(r) < 2 or len(r) != len(f) or any(a.shape != b.shape for a, b in zip(r, f, strict=True)):
            raise ValueError("real, fake")


def _gap(r, f):
    return (f - r).abs().mean()


def _over_scales(
    real, fake, lam, gap=_gap, layers=slice(-1), over_layers=True, over_scales=True, detach=True
):
    """The skeleton that the variants and misconceptions of 19.2 share."""
    _refuse_scales(real, fake)
    scales = []
    for r, f in zip(real, fake, strict=True):
        pairs = list(zip(r[layers], f[layers], strict=True))
        gaps = [gap(a.detach() if detach else a, b) for a, b in pairs]
        scales.append(sum(gaps) / (len(gaps) if over_layers else 1))
    return lam * sum(scales) / (len(scales) if over_scales else 1)


@multiscale_feature_matching.misconception(
    "You counted the score map; the last output is the verdict and no feature: leave it out."
)
def counts_the_verdict(real, fake, lam=10.0):
    return _over_scales(real, fake, lam, layers=slice(None))


@multiscale_feature_matching.misconception(
    "You squared the differences; pix2pixHD takes absolute values (L1)."
)
def squares(real, fake, lam=10.0):
    return _over_scales(real, fake, lam, lambda r, f: (f - r).square().mean())


@multiscale_feature_matching.misconception(
    "You summed over the elements, so that large maps decide alone; take the mean within a layer."
)
def sums_the_elements(real, fake, lam=10.0):
    return _over_scales(real, fake, lam, lambda r, f: (f - r).abs().sum())


@multiscale_feature_matching.misconception("You summed the scales; average over them.")
def sums_the_scales(real, fake, lam=10.0):
    return _over_scales(real, fake, lam, over_scales=False)


@multiscale_feature_matching.misconception("You summed the layers; average over the layers of each scale.")
def sums_the_layers(real, fake, lam=10.0):
    return _over_scales(real, fake, lam, over_layers=False)


@multiscale_feature_matching.misconception(
    "You put all layers of all scales into one mean, so a deep scale weighs more; average within each scale first."
)
def averages_over_everything(real, fake, lam=10.0):
    _refuse_scales(real, fake)
    pairs = [p for r, f in zip(real, fake, strict=True) for p in zip(r[:-1], f[:-1], strict=True)]
    return lam * sum(_gap(r.detach(), f) for r, f in pairs) / len(pairs)


@multiscale_feature_matching.misconception(
    "You compared batch means; here pairs exist: compare sample with sample."
)
def compares_batch_means(real, fake, lam=10.0):
    return _over_scales(real, fake, lam, lambda r, f: (f.mean(0) - r.mean(0)).abs().mean())


@multiscale_feature_matching.misconception(
    "You let the gradient into the real features, which are the target; detach them."
)
def teaches_the_target(real, fake, lam=10.0):
    return _over_scales(real, fake, lam, detach=False)


@multiscale_feature_matching.misconception("You fixed the weight at 10; it is the argument lam.")
def ignores_the_weight(real, fake, lam=10.0):
    return _over_scales(real, fake, 10.0)


@multiscale_feature_matching.accepts
def by_l1_loss(real, fake, lam=10.0):
    return _over_scales(real, fake, lam, lambda r, f: torch.nn.functional.l1_loss(f, r))


@multiscale_feature_matching.accepts
def written_out(real, fake, lam=10.0):
    _refuse_scales(real, fake)
    total = torch.zeros((), dtype=fake[0][0].dtype)
    for d in reversed(range(len(real))):
        count = len(real[d]) - 1
        for layer in range(count):
            with torch.no_grad():
                target = real[d][layer].clone()
            total = total + lam / (len(real) * count) * torch.mean(torch.abs(target - fake[d][layer]))
    return total


# --- 19.3 -----------------------------------------------------------------------------------------

style_swap = exercise(
    "style_swap",
    reference="nstkit.transfer:style_swap",
    level="hard",
    minutes=30,
    hints=[
        "Two questions for each content patch: which style patch points the same way, and what is pasted. Only the "
        "first one needs unit length.",
        "unfold gives patches as columns, (C·p·p, M) and (C·p·p, N); scores are (M, N): one argmax for each of N.",
        "Divide the style's columns by their norms for the score alone; pick raw columns; fold them; divide by the "
        "fold of ones.",
    ],
)


def _map(draw, channels, height, width, dtype=torch.float64):
    """Like a ReLU layer under uneven light: patch norms differ about fourfold."""
    light = np.linspace(1, 4, width) * draw.rng.uniform(0.8, 1.2, size=(height, 1))
    values = np.maximum(draw.rng.normal(size=(channels, height, width)) + 0.5, 0) * light
    return draw.watch(torch.from_numpy(values).to(dtype), "map")


@style_swap.check(points=2)
def patches_of_three(answer, draw):
    """Content and style of different sizes, patches of 3 x 3."""
    return answer(_map(draw, 4, 6, 7), _map(draw, 4, 8, 5))


@style_swap.check(points=1)
def other_patch_sizes(answer, draw):
    """Patches of 5 x 5, and the whole map as one patch."""
    return {
        "5 x 5": answer(_map(draw, 3, 6, 8), _map(draw, 3, 7, 6), 5),
        "one patch": answer(_map(draw, 4, 5, 5), _map(draw, 4, 5, 6), patch=5),
    }


@style_swap.check(points=1)
def single_positions(answer, draw):
    """Patches of 1 x 1: every position is covered once."""
    return answer(draw.tensor(6, 4, 5), draw.tensor(6, 5, 3), 1)


@style_swap.check(points=1)
def with_itself(answer, draw):
    """A map swapped with itself stays itself, and the content's brightness does not matter."""
    style = _map(draw, 5, 6, 7)
    return {
        "itself": answer(style, style),
        "seven times brighter": answer(draw.watch(style * 7, "content"), style),
    }


@style_swap.check(points=1)
def a_silent_region(answer, draw):
    """Where the content is zero every patch scores the same: the first one is taken."""
    content = _map(draw, 3, 5, 8).clone()
    content[:, :, :5] = 0
    return answer(draw.watch(content, "content"), _map(draw, 3, 6, 4))


@style_swap.check(points=1)
def swaps_in_single_precision(answer, draw):
    """float32 stays float32, also for tensors that are not contiguous."""
    style = _map(draw, 4, 6, 5, torch.float32)
    strided = draw.tensor(2, 4, 5, 6, dtype=torch.float32, strided=True)
    return {
        "float32": answer(draw.watch(2 * style, "content"), style),
        "not contiguous": answer(strided[0], strided[0]),
    }


@style_swap.check(points=1)
def maps_that_do_not_fit_are_refused(answer, draw):
    """ValueError for an even patch, for one larger than a map, and for other channels."""
    content, style = _map(draw, 3, 6, 7), _map(draw, 3, 8, 5)
    return {
        "even": outcome(answer, content, style, 2),
        "zero": outcome(answer, content, style, 0),
        "negative": outcome(answer, content, style, -1),
        "larger than the content": outcome(answer, _map(draw, 3, 4, 9), style, 5),
        "larger than the style": outcome(answer, content, _map(draw, 3, 9, 4), 5),
        "other channels": outcome(answer, content, _map(draw, 4, 8, 5)),
    }


def _refuse_maps(content, style, patch):
    if patch < 1 or patch % 2 == 0 or patch > min(*content.shape[1:], *style.shape[1:]):
        raise ValueError("patch")
    if content.shape[0] != style.shape[0]:
        raise ValueError("style")


unfold, fold = torch.nn.functional.unfold, torch.nn.functional.fold


def _parts(content, style, patch):
    """Content patches, style patches and unit style patches, as columns."""
    _refuse_maps(content, style, patch)
    columns = unfold(style[None], patch)[0]
    return unfold(content[None], patch)[0], columns, columns / (columns.norm(dim=0) + 1e-8)


def _paste(columns, content, patch, count=True):
    size = content.shape[1:]
    total = fold(columns[None], size, patch)[0]
    return total / fold(torch.ones_like(columns)[None], size, patch)[0] if count else total


@style_swap.misconception(
    "You scored with raw style patches, so the brightest one wins everywhere; divide by each style patch's norm."
)
def scores_without_the_norm(content, style, patch=3):
    wanted, columns, _ = _parts(content, style, patch)
    return _paste(columns[:, (columns.T @ wanted).argmax(0)], content, patch)


@style_swap.misconception(
    "You pasted the unit patches, and the style's strength is lost; score with unit patches, paste the originals."
)
def pastes_unit_patches(content, style, patch=3):
    wanted, _, units = _parts(content, style, patch)
    return _paste(units[:, (units.T @ wanted).argmax(0)], content, patch)


@style_swap.misconception("You left the overlaps summed; divide each position by the patches that cover it.")
def sums_the_overlaps(content, style, patch=3):
    wanted, columns, units = _parts(content, style, patch)
    return _paste(columns[:, (units.T @ wanted).argmax(0)], content, patch, count=False)


@style_swap.misconception(
    "You divided by patch² everywhere, so the border turns dark; fewer patches cover it: count them."
)
def divides_by_the_area(content, style, patch=3):
    return sums_the_overlaps(content, style, patch) / patch**2


@style_swap.misconception(
    "You took the patch at the smallest Euclidean distance; the criterion is the normalised correlation."
)
def takes_the_nearest(content, style, patch=3):
    wanted, columns, _ = _parts(content, style, patch)
    return _paste(columns[:, torch.cdist(wanted.T, columns.T).argmin(1)], content, patch)


@style_swap.misconception(
    "You flipped the patches when pasting; transposed convolution already undoes the correlation: paste them as cut."
)
def flips_the_patches(content, style, patch=3):
    wanted, columns, units = _parts(content, style, patch)
    squares = columns.unflatten(0, (-1, patch, patch)).flip(1, 2).flatten(0, 2)
    return _paste(squares[:, (units.T @ wanted).argmax(0)], content, patch)


@style_swap.misconception(
    "You padded the maps, and patches hang over the border; take those that lie inside."
)
def pads_the_maps(content, style, patch=3):
    _refuse_maps(content, style, patch)
    wanted, columns = (unfold(x[None], patch, padding=patch // 2)[0] for x in (content, style))
    chosen = columns[:, ((columns / (columns.norm(dim=0) + 1e-8)).T @ wanted).argmax(0)]
    total, count = (
        fold(x[None], content.shape[1:], patch, padding=patch // 2)[0]
        for x in (chosen, torch.ones_like(chosen))
    )
    return total / count


@style_swap.misconception(
    "You chose a content patch for every style patch; it is the content's places that are filled, each with its best "
    "style patch."
)
def chooses_the_other_way(content, style, patch=3):
    wanted, _, units = _parts(content, style, patch)
    chosen = (units.T @ wanted).argmax(1)
    return _paste(wanted[:, chosen], style, patch)


@style_swap.accepts
def by_convolutions(content, style, patch=3):
    _refuse_maps(content, style, patch)
    kernels = style.unfold(1, patch, 1).unfold(2, patch, 1).flatten(1, 2).transpose(0, 1)  # (M, C, p, p)
    units = kernels / (kernels.flatten(1).norm(dim=1).view(-1, 1, 1, 1) + 1e-8)
    scores = torch.nn.functional.conv2d(content[None], units)  # (1, M, h, w)
    hot = torch.zeros_like(scores).scatter_(1, scores.argmax(1, keepdim=True), 1.0)
    pasted = torch.nn.functional.conv_transpose2d(hot, kernels)
    ones = torch.ones(1, 1, *scores.shape[2:], dtype=content.dtype)
    count = torch.nn.functional.conv_transpose2d(ones, torch.ones(1, 1, patch, patch, dtype=content.dtype))
    return (pasted / count)[0]


@style_swap.accepts
def with_unit_content_patches(content, style, patch=3):
    wanted, columns, units = _parts(content, style, patch)
    wanted = torch.nn.functional.normalize(wanted, dim=0)
    return _paste(columns.index_select(1, torch.max(units.T @ wanted, dim=0).indices), content, patch)


@style_swap.accepts
def patch_by_patch(content, style, patch=3):
    _refuse_maps(content, style, patch)
    _, columns, units = _parts(content, style, patch)
    total, count = torch.zeros_like(content), torch.zeros_like(content)
    for y in range(content.shape[1] - patch + 1):
        for x in range(content.shape[2] - patch + 1):
            here = slice(y, y + patch), slice(x, x + patch)
            best = (content[:, here[0], here[1]].reshape(-1) @ units).argmax()
            total[:, here[0], here[1]] += columns[:, best].view(-1, patch, patch)
            count[:, here[0], here[1]] += 1
    return total / count
