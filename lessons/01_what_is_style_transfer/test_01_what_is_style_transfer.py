"""Lesson 01, what style transfer is: two statistics of the same features, and a gradient down to the pixels."""

import torch
import torch.nn.functional as F

from nstkit.grading import exercise, gradient, outcome

# --- 1.1 ------------------------------------------------------------------------------------------

content_style_gap = exercise(
    "content_style_gap",
    reference="nstkit.losses:content_style_gap",
    level="easy",
    minutes=10,
    hints=[
        "One comparison keeps positions, the other sums over them first; everything else is the same.",
        "Flatten (C, H, W) to (C, H·W); the product with its own transpose is (C, C), divided by H·W.",
        "content is the mean of the squared feature differences, style the mean of the squared Gram differences.",
    ],
)


@content_style_gap.check(points=2)
def two_feature_maps(answer, draw):
    """Two maps of three channels; H and W differ."""
    return answer(draw.features(2, 3, 4, 6)[0], draw.features(2, 3, 4, 6)[1])


@content_style_gap.check(points=1)
def shuffled_positions(answer, draw):
    """Shuffling the positions of one map changes the content gap and leaves the style gap."""
    a, b = draw.tensor(4, 5, 3), draw.tensor(4, 5, 3)
    shuffled = b.flatten(1)[:, draw.permutation(15)].reshape(4, 5, 3)
    return {"in order": answer(a, b), "shuffled": answer(a, shuffled)}


@content_style_gap.check(points=1)
def single_precision_and_strides(answer, draw):
    """float32 stays float32, and maps that are not contiguous are as good as any."""
    return {
        "float32": answer(
            draw.tensor(3, 4, 5, dtype=torch.float32), draw.tensor(3, 4, 5, dtype=torch.float32)
        ),
        "not contiguous": answer(draw.tensor(3, 4, 5, strided=True), draw.tensor(3, 4, 5, strided=True)),
    }


@content_style_gap.check(points=1)
def gradients_reach_both(answer, draw):
    """Both numbers can be differentiated by both maps."""
    a, b = draw.tensor(3, 4, 2), draw.tensor(3, 4, 2)
    return {
        "of content": gradient(lambda x, y: answer(x, y)[0], a, b),
        "of style": gradient(lambda x, y: answer(x, y)[1], a, b),
    }


@content_style_gap.check(points=1)
def maps_that_do_not_fit_are_refused(answer, draw):
    """ValueError unless both are 3-D with equal shapes."""
    a = draw.tensor(3, 4, 5)
    return {
        "another width": outcome(answer, a, draw.tensor(3, 4, 6)),
        "one channel, which would broadcast": outcome(answer, a, draw.tensor(1, 4, 5)),
        "a batch": outcome(answer, draw.tensor(2, 3, 4, 5), draw.tensor(2, 3, 4, 5)),
        "flattened maps": outcome(answer, draw.tensor(3, 20), draw.tensor(3, 20)),
    }


def _refuse_maps(a, b):
    if a.ndim != 3 or a.shape != b.shape:
        raise ValueError("feat_a, feat_b")


def _gram(x):
    flat = x.flatten(1)
    return flat @ flat.T / flat.shape[1]


def _mean_square(a, b):
    return (a - b).square().mean()


@content_style_gap.misconception(
    "You correlated positions; correlate channels, so that the Gram matrix is C × C."
)
def correlates_positions(a, b):
    _refuse_maps(a, b)
    x, y = a.flatten(1), b.flatten(1)
    return _mean_square(a, b), _mean_square(x.T @ x / x.shape[1], y.T @ y / y.shape[1])


@content_style_gap.misconception(
    "You left the Gram matrix undivided; divide it by the number of positions, H·W."
)
def forgets_the_positions(a, b):
    _refuse_maps(a, b)
    x, y = a.flatten(1), b.flatten(1)
    return _mean_square(a, b), _mean_square(x @ x.T, y @ y.T)


@content_style_gap.misconception("You took norms; both gaps are mean squared differences, without a root.")
def takes_norms(a, b):
    _refuse_maps(a, b)
    return torch.linalg.vector_norm(a - b), torch.linalg.matrix_norm(_gram(a) - _gram(b))


@content_style_gap.misconception(
    "You took roots of the means; both gaps are mean squared differences, without a root."
)
def takes_roots(a, b):
    _refuse_maps(a, b)
    return _mean_square(a, b).sqrt(), _mean_square(_gram(a), _gram(b)).sqrt()


@content_style_gap.misconception("You compared channel means; first moments are not enough here, use X·Xᵀ.")
def compares_channel_means(a, b):
    _refuse_maps(a, b)
    return _mean_square(a, b), _mean_square(a.mean((1, 2)), b.mean((1, 2)))


@content_style_gap.misconception("You returned (style, content); the order is content first, then style.")
def swaps_the_two(a, b):
    _refuse_maps(a, b)
    return _mean_square(_gram(a), _gram(b)), _mean_square(a, b)


@content_style_gap.misconception("You summed the squares; take their mean, over C·H·W and over C·C.")
def sums_the_squares(a, b):
    _refuse_maps(a, b)
    return (a - b).square().sum(), (_gram(a) - _gram(b)).square().sum()


@content_style_gap.accepts
def by_einsum_and_mse(a, b):
    _refuse_maps(a, b)
    grams = [torch.einsum("chw,dhw->cd", x, x) / (x.shape[1] * x.shape[2]) for x in (a, b)]
    return F.mse_loss(a, b), F.mse_loss(*grams)


@content_style_gap.accepts
def channel_by_channel(a, b):
    _refuse_maps(a, b)
    x, y = a.reshape(len(a), -1), b.reshape(len(b), -1)
    style = torch.stack([((u * v).mean() - (s * t).mean()) ** 2 for u, s in zip(x, y) for v, t in zip(x, y)])  # noqa: B905
    return ((a - b) ** 2).mean(), style.mean()


# --- 1.2 ------------------------------------------------------------------------------------------

patch_shuffle = exercise(
    "patch_shuffle",
    reference="nstkit.images:patch_shuffle",
    level="easy",
    minutes=15,
    hints=[
        "Cut the picture into squares, number them row by row, lay them out again in the order that perm says.",
        "reshape to (C, H/p, p, W/p, p), then permute so that the two block axes stand together: (C, P, p, p).",
        "Index the P axis with perm, then undo the permute and the reshape, in reverse.",
    ],
)


@patch_shuffle.check(points=2)
def a_wide_image(answer, draw):
    """A wide image of 2 × 3 patches, shuffled by a permutation that is not its own inverse."""
    return answer(draw.tensor(3, 8, 12), 4, draw.permutation(6))


@patch_shuffle.check(points=1)
def a_tall_image_of_other_types(answer, draw):
    """A tall image with five channels, in float32, not contiguous, and in uint8."""
    order = draw.permutation(8)
    return {
        "float32": answer(draw.tensor(5, 12, 6, dtype=torch.float32), 3, order),
        "not contiguous": answer(draw.tensor(2, 8, 4, strided=True), 2, order),
        "uint8": answer(
            draw.watch(torch.from_numpy(draw.pixels(3, 4 * 2, 4).copy()), "image"), 2, draw.permutation(8)
        ),
    }


@patch_shuffle.check(points=1)
def the_result_is_a_copy(answer, draw):
    """One patch as large as the image: the values come back, in memory of their own."""
    image = draw.tensor(3, 6, 6)
    result = answer(image, 6, torch.zeros(1, dtype=torch.int64))
    return {"values": result, "shares memory": result.data_ptr() == image.data_ptr()}


@patch_shuffle.check(points=1)
def undone_by_the_inverse(answer, draw):
    """Shuffling by perm and then by argsort(perm) restores the image."""
    image, order = draw.tensor(2, 6, 9), draw.permutation(6)
    return answer(answer(image, 3, order), 3, order.argsort())


@patch_shuffle.check(points=1)
def what_cannot_be_cut_is_refused(answer, draw):
    """ValueError for sizes that the patch does not divide, and for a perm that is no permutation."""
    image = draw.tensor(3, 8, 12)
    return {
        "H not divisible": outcome(answer, draw.tensor(3, 7, 12), 4, torch.arange(6)),
        "W not divisible": outcome(answer, draw.tensor(3, 8, 13), 4, torch.arange(6)),
        "a perm with a repeat": outcome(answer, image, 4, torch.tensor([0, 1, 2, 3, 4, 4])),
        "a perm that is too short": outcome(answer, image, 4, torch.arange(5)),
        "a perm that starts at 1": outcome(answer, image, 4, torch.arange(1, 7)),
    }


def _refuse_patches(image, patch, perm):
    _, height, width = image.shape
    if height % patch or width % patch:
        raise ValueError("image")
    count = (height // patch) * (width // patch)
    if perm.shape != (count,) or not torch.equal(perm.sort().values, torch.arange(count)):
        raise ValueError("perm")


def _cut(image, patch):
    """(C, H, W) to patches (P, C, p, p), row by row."""
    channels, height, width = image.shape
    blocks = image.reshape(channels, height // patch, patch, width // patch, patch)
    return blocks.permute(1, 3, 0, 2, 4).reshape(-1, channels, patch, patch)


def _paste(patches, shape):
    """The inverse of _cut."""
    channels, height, width = shape
    patch = patches.shape[-1]
    blocks = patches.reshape(height // patch, width // patch, channels, patch, patch)
    return blocks.permute(2, 0, 3, 1, 4).reshape(shape)


@patch_shuffle.misconception(
    "You sent patch k to perm[k], which is the inverse shuffle; output patch k comes from perm[k]."
)
def scatters(image, patch, perm):
    _refuse_patches(image, patch, perm)
    return _paste(_cut(image, patch)[perm.argsort()], image.shape)


@patch_shuffle.misconception(
    "You reshaped without permuting, which tears patches into strips; split H and W into (blocks, patch) and permute."
)
def tears_into_strips(image, patch, perm):
    _refuse_patches(image, patch, perm)
    strips = image.reshape(image.shape[0], -1, patch, patch)
    return strips[:, perm].reshape(image.shape)


@patch_shuffle.misconception("You numbered the patches column by column; number them row by row.")
def numbers_by_columns(image, patch, perm):
    _refuse_patches(image, patch, perm)
    turned = image.transpose(1, 2)
    return _paste(_cut(turned, patch)[perm], turned.shape).transpose(1, 2)


@patch_shuffle.misconception(
    "You also moved pixels inside the patches; move whole patches and keep their inside."
)
def turns_the_patches(image, patch, perm):
    _refuse_patches(image, patch, perm)
    return _paste(_cut(image, patch)[perm].flip(-1), image.shape)


@patch_shuffle.misconception("You shuffled the caller's image in place; build a new tensor.")
def works_in_place(image, patch, perm):
    _refuse_patches(image, patch, perm)
    image.copy_(_paste(_cut(image, patch)[perm], image.shape).clone())
    return image


@patch_shuffle.accepts
def patch_by_patch(image, patch, perm):
    _refuse_patches(image, patch, perm)
    columns = image.shape[2] // patch
    out = torch.empty_like(image)
    for k, source in enumerate(perm.tolist()):
        (y, x), (v, u) = divmod(k, columns), divmod(source, columns)
        block = image[:, v * patch : (v + 1) * patch, u * patch : (u + 1) * patch]
        out[:, y * patch : (y + 1) * patch, x * patch : (x + 1) * patch] = block
    return out


@patch_shuffle.accepts
def by_cat(image, patch, perm):
    _refuse_patches(image, patch, perm)
    tiles = [tile for row in image.split(patch, 1) for tile in row.split(patch, 2)]
    chosen = [tiles[k] for k in perm.tolist()]
    columns = image.shape[2] // patch
    rows = [torch.cat(chosen[k : k + columns], 2) for k in range(0, len(chosen), columns)]
    return torch.cat(rows, 1).clone()


# --- 1.3 ------------------------------------------------------------------------------------------

image_gradient = exercise(
    "image_gradient",
    reference="nstkit.transfer:image_gradient",
    level="medium",
    minutes=20,
    hints=[
        "The network is an instrument that you read; the pixels are what you turn: ask for their gradient only.",
        "A detached copy of the image that requires a gradient goes in; the answer has the image's shape (1, 3, H, W).",
        "torch.autograd.grad(loss, copy) returns the gradient and fills no .grad anywhere.",
    ],
)


def _case(draw, layer="layer2", smooth=True, dtype=torch.float64):
    """An encoder, two images, and a target of the layer's shape."""
    encoder = draw.encoder(4, 6, smooth=smooth, dtype=dtype)
    images = draw.image(2, 9, 12, dtype=dtype)
    with torch.no_grad():
        target = encoder(images[1:])[layer] + 0.1
    return encoder, images[:1], draw.watch(target, "target")


@image_gradient.check(points=2)
def shallow_and_deep(answer, draw):
    """The gradient of a shallow and of a deep layer's error, with the image's shape."""
    encoder, image, target = _case(draw)
    _, _, shallow = _case(draw, "layer1")
    return {
        "layer2": answer(encoder, image, target, "layer2"),
        "layer1": answer(encoder, image, shallow, "layer1"),
    }


@image_gradient.check(points=1)
def single_precision_through_relu(answer, draw):
    """float32 and a ReLU network."""
    return answer(*_case(draw, smooth=False, dtype=torch.float32), "layer2")


@image_gradient.check(points=1)
def nothing_is_left_behind(answer, draw):
    """The image and the parameters are as before: requires_grad, and .grad where there was one."""
    encoder, image, target = _case(draw)
    first, *rest = encoder.parameters()
    first.requires_grad_(False)
    rest[0].grad = torch.full_like(rest[0], 0.5)
    result = answer(encoder, image, target, "layer2")
    return {
        "the result is detached": not result.requires_grad,
        "the image requires no gradient": image.requires_grad,
        "the image has no .grad": image.grad is None,
        "requires_grad of the parameters": [p.requires_grad for p in encoder.parameters()],
        "a .grad that was there": rest[0].grad.clone(),
        "parameters without .grad": [p.grad is None for p in rest[1:]],
    }


@image_gradient.check(points=1)
def a_second_image(answer, draw):
    """A second image after the first, and an image that requires a gradient already."""
    encoder, image, target = _case(draw)
    answer(encoder, image, target, "layer2")
    leaf = draw.image(2, 9, 12)[1:].clone().requires_grad_()
    second = answer(encoder, leaf, target, "layer2")
    return {"gradient": second, "still requires": leaf.requires_grad, "no .grad": leaf.grad is None}


@image_gradient.check(points=1)
def what_does_not_fit_is_refused(answer, draw):
    """KeyError for an unknown layer, ValueError for a target of another shape."""
    encoder, image, target = _case(draw)
    return {
        "an unknown layer": outcome(answer, encoder, image, target, "layer9"),
        "a target of another layer": outcome(answer, encoder, image, target, "layer1"),
        "a target that would broadcast": outcome(answer, encoder, image, target[:, :, :1, :1], "layer2"),
    }


def _feature(encoder, image, target, layer):
    feature = encoder(image)[layer]
    if feature.shape != target.shape:
        raise ValueError("target")
    return feature


def _half_square(feature, target):
    return 0.5 * (feature - target).square().sum()


@image_gradient.misconception(
    "You called backward through a network that still learns, so its parameters' .grad filled up; ask autograd for the "
    "gradient of the image only."
)
def fills_the_parameters(encoder, image, target, layer):
    copy = image.detach().clone().requires_grad_()
    _half_square(_feature(encoder, copy, target, layer), target).backward()
    return copy.grad


@image_gradient.misconception(
    "You differentiated by the feature; the variable that moves is the image, so go down to the pixels."
)
def stops_at_the_feature(encoder, image, target, layer):
    return (_feature(encoder, image.detach(), target, layer) - target).detach()


@image_gradient.misconception("You took the mean square; the loss is one half of the sum of squares.")
def takes_the_mean(encoder, image, target, layer):
    copy = image.detach().clone().requires_grad_()
    loss = (_feature(encoder, copy, target, layer) - target).square().mean()
    return torch.autograd.grad(loss, copy)[0]


@image_gradient.misconception(
    "You left the ½ out, so the gradient is twice too large; the loss is ½ Σ (F − P)²."
)
def forgets_the_half(encoder, image, target, layer):
    copy = image.detach().clone().requires_grad_()
    return torch.autograd.grad(2 * _half_square(_feature(encoder, copy, target, layer), target), copy)[0]


@image_gradient.misconception("You switched requires_grad on in the caller's image; work on a detached copy.")
def marks_the_callers_image(encoder, image, target, layer):
    image.requires_grad_()
    return torch.autograd.grad(_half_square(_feature(encoder, image, target, layer), target), image)[0]


@image_gradient.misconception(
    "You computed the feature without a graph, so no gradient can come back; the network is frozen, not switched off."
)
def cuts_the_graph(encoder, image, target, layer):
    copy = image.detach().clone().requires_grad_()
    with torch.no_grad():
        feature = _feature(encoder, copy, target, layer)
    return torch.autograd.grad(_half_square(feature, target), copy)[0]


@image_gradient.accepts
def by_autograd_grad(encoder, image, target, layer):
    pixels = image.detach().requires_grad_()
    feature = encoder(pixels)[layer]
    if feature.shape != target.shape:
        raise ValueError("target")
    return torch.autograd.grad(((feature - target) ** 2).sum() / 2, pixels)[0]


@image_gradient.accepts
def freezes_and_restores(encoder, image, target, layer):
    states = [(p, p.requires_grad) for p in encoder.parameters()]
    for parameter, _ in states:
        parameter.requires_grad_(False)
    try:
        pixels = image.detach().clone().requires_grad_()
        _half_square(_feature(encoder, pixels, target.detach(), layer), target.detach()).backward()
        return pixels.grad
    finally:
        for parameter, state in states:
            parameter.requires_grad_(state)
