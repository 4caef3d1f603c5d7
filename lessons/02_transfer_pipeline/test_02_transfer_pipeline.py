"""Lesson 02, the pipeline: pixels in and out, constant targets, and the loop that moves one image."""

import numpy as np
import torch

from nstkit.grading import exercise, outcome

# --- 2.1 ------------------------------------------------------------------------------------------

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

preprocess = exercise(
    "preprocess",
    reference="nstkit.images:preprocess",
    level="easy",
    minutes=8,
    hints=[
        "The network must see what it saw in training: the same range, the same channel order, the same mean and std.",
        "(H, W, 3) becomes (1, 3, H, W): the channel axis moves, then a batch axis is added.",
        "Divide by 255, then subtract the mean and divide by the std of each channel, in float32.",
    ],
)


@preprocess.check(points=1)
def a_picture_becomes_a_tensor(answer, draw):
    """A wide uint8 picture, with ImageNet's mean and std."""
    return answer(draw.pixels(5, 8, 3), MEAN, STD)


@preprocess.check(points=1)
def every_mean_and_std(answer, draw):
    """Other means and stds, given as lists."""
    mean, std = draw.array(3).tolist(), (0.2 + draw.array(3) ** 2).tolist()
    return answer(draw.pixels(6, 4, 3), mean, std)


@preprocess.check(points=1)
def a_view_is_a_picture_too(answer, draw):
    """A picture that is a cropped and mirrored view."""
    return answer(draw.pixels(9, 8, 3)[1:6, ::-1], MEAN, STD)


@preprocess.check(points=1)
def what_is_no_picture_is_refused(answer, draw):
    """ValueError for another rank or channel number, TypeError for what is not uint8."""
    return {
        "a gray picture": outcome(answer, draw.pixels(5, 8), MEAN, STD),
        "four channels": outcome(answer, draw.pixels(5, 8, 4), MEAN, STD),
        "a float picture": outcome(answer, draw.array(5, 8, 3), MEAN, STD),
        "a gray float picture": outcome(answer, draw.array(5, 8), MEAN, STD),
    }


def _refuse_picture(image):
    if image.dtype != np.uint8:
        raise TypeError("image")
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError("image")


def _normalise(x, mean, std):
    shape = (1, 3, 1, 1)
    return (x - torch.tensor(mean).reshape(shape)) / torch.tensor(std).reshape(shape)


@preprocess.misconception(
    "You reshaped the picture, which keeps the memory order and scrambles it; move the channel axis."
)
def reshapes(image, mean, std):
    _refuse_picture(image)
    x = torch.from_numpy(np.ascontiguousarray(image)).float().reshape(1, 3, *image.shape[:2]) / 255
    return _normalise(x, mean, std)


@preprocess.misconception("You subtracted the mean from values up to 255; scale to [0, 1] first.")
def forgets_the_scale(image, mean, std):
    _refuse_picture(image)
    return _normalise(torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float(), mean, std)


@preprocess.misconception("You turned the channels to BGR; mean and std here are in RGB order.")
def turns_to_bgr(image, mean, std):
    _refuse_picture(image)
    x = torch.from_numpy(image[..., ::-1].copy()).permute(2, 0, 1)[None].float() / 255
    return _normalise(x, mean, std)


@preprocess.misconception("You divided by 256; the largest code is 255, and it stands for 1.")
def divides_by_256(image, mean, std):
    _refuse_picture(image)
    return _normalise(torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 256, mean, std)


@preprocess.misconception(
    "You transposed the picture as well; only the channel axis moves, H stays before W."
)
def swaps_height_and_width(image, mean, std):
    _refuse_picture(image)
    return _normalise(torch.from_numpy(image.T.copy())[None].float() / 255, mean, std)


@preprocess.misconception("You left the batch axis out; the network wants (1, 3, H, W).")
def forgets_the_batch(image, mean, std):
    _refuse_picture(image)
    return _normalise(torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255, mean, std)[0]


@preprocess.accepts
def in_numpy(image, mean, std):
    _refuse_picture(image)
    x = (image.astype(np.float64) / 255 - np.asarray(mean)) / np.asarray(std)
    return torch.from_numpy(x.transpose(2, 0, 1)[None].astype(np.float32).copy())


@preprocess.accepts
def in_torch(image, mean, std):
    _refuse_picture(image)
    x = torch.from_numpy(image.copy()).permute(2, 0, 1).unsqueeze(0).to(torch.float32).div(255)
    return _normalise(x, mean, std)


deprocess = exercise(
    "deprocess",
    reference="nstkit.images:deprocess",
    level="easy",
    minutes=7,
    hints=[
        "Every step of preprocess, undone in reverse; what the optimiser pushed out of range is clipped on the way.",
        "(1, 3, H, W) becomes (H, W, 3): drop the batch axis, move the channel axis to the end.",
        "x·std + mean, clip to [0, 1], times 255, round, then cast to uint8: a cast alone truncates.",
    ],
)


def _normalised(draw, height, width, low=0.0, high=1.0, dtype=torch.float32):
    """A normalised image whose pixel values lie in [low, high]."""
    pixels = torch.from_numpy(low + (high - low) * draw.array(1, 3, height, width) ** 2 % (high - low))
    return draw.watch(_normalise(pixels.to(dtype), MEAN, STD).to(dtype), "x")


@deprocess.check(points=1)
def a_tensor_becomes_a_picture(answer, draw):
    """A wide image of values between the codes: rounded, not truncated."""
    return answer(_normalised(draw, 6, 9), MEAN, STD)


@deprocess.check(points=1)
def out_of_range_is_clipped(answer, draw):
    """Pixels below 0 and above 1."""
    return answer(_normalised(draw, 7, 5, low=-0.6, high=1.7), MEAN, STD)


@deprocess.check(points=2)
def all_256_codes_come_back(answer, draw):
    """Every code survives the way in and out, in float32 and float64."""
    codes = draw.watch(np.arange(256 * 3, dtype=np.int64).reshape(16, 16, 3) % 256, "codes").astype(np.uint8)
    wrong = {}
    for dtype in (torch.float32, torch.float64):
        unit = torch.from_numpy(codes.transpose(2, 0, 1)[None].copy()).to(dtype) / 255
        back = answer(draw.watch(_normalise(unit, MEAN, STD).to(dtype), "x"), MEAN, STD)
        wrong[str(dtype)] = int((np.asarray(back).astype(int) != codes).sum())
    return wrong


@deprocess.check(points=1)
def an_image_that_still_learns(answer, draw):
    """An image that requires a gradient, as it comes from the optimiser."""
    return answer(_normalised(draw, 4, 6).clone().requires_grad_(), MEAN, STD)


@deprocess.check(points=1)
def what_is_no_image_is_refused(answer, draw):
    """ValueError for a larger batch, another rank, or another channel number."""
    return {
        "two images": outcome(answer, draw.tensor(2, 3, 4, 5), MEAN, STD),
        "no batch axis": outcome(answer, draw.tensor(3, 4, 5), MEAN, STD),
        "four channels": outcome(answer, draw.tensor(1, 4, 4, 5), MEAN, STD),
    }


def _undo(x, mean, std):
    if x.ndim != 4 or x.shape[:2] != (1, 3):
        raise ValueError("x")
    x = x.detach().double()
    shape = (1, 3, 1, 1)
    std, mean = (torch.tensor(v, dtype=torch.float64).reshape(shape) for v in (std, mean))
    return (x * std + mean)[0].permute(1, 2, 0).numpy()


@deprocess.misconception("You cast without rounding, which loses up to a whole level; round before casting.")
def truncates(x, mean, std):
    shape = (1, 3, 1, 1)
    _undo(x, mean, std)
    x = x.detach().float() * torch.tensor(std).reshape(shape) + torch.tensor(mean).reshape(shape)
    return (x.clamp(0, 1) * 255)[0].permute(1, 2, 0).numpy().astype(np.uint8)


@deprocess.misconception("You did not clip, so values out of range wrapped around; clip to [0, 1] first.")
def wraps_around(x, mean, std):
    return np.round(_undo(x, mean, std) * 255).astype(np.int64).astype(np.uint8)


@deprocess.misconception("You turned the channels to BGR; the picture is RGB, as mean and std are.")
def returns_bgr(x, mean, std):
    return np.round(np.clip(_undo(x, mean, std), 0, 1) * 255).astype(np.uint8)[..., ::-1]


@deprocess.misconception("You reshaped to (H, W, 3), which keeps the memory order; move the channel axis.")
def reshapes_back(x, mean, std):
    picture = _undo(x, mean, std)
    scrambled = np.ascontiguousarray(picture.transpose(2, 0, 1)).reshape(picture.shape)
    return np.round(np.clip(scrambled, 0, 1) * 255).astype(np.uint8)


@deprocess.misconception("You multiplied by 256; the largest code is 255.")
def multiplies_by_256(x, mean, std):
    return np.clip(np.round(np.clip(_undo(x, mean, std), 0, 1) * 256), 0, 255).astype(np.uint8)


@deprocess.misconception("You subtracted the mean or divided by the std again; undo them: x·std + mean.")
def normalises_again(x, mean, std):
    _undo(x, mean, std)
    unit = _normalise(x.detach().float(), mean, std)
    return np.round(unit.clamp(0, 1)[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)


@deprocess.accepts
def in_numpy_too(x, mean, std):
    return np.rint(_undo(x, mean, std).clip(0, 1) * 255).astype(np.uint8)


@deprocess.accepts
def clips_after_scaling(x, mean, std):
    return (torch.from_numpy(_undo(x, mean, std)) * 255).round().clamp(0, 255).to(torch.uint8).numpy()


# --- 2.2 ------------------------------------------------------------------------------------------

precompute_targets = exercise(
    "precompute_targets",
    reference="nstkit.transfer:precompute_targets",
    level="easy",
    minutes=10,
    hints=[
        "Both targets are constants of the whole run: measure each image once, then never again.",
        "content: layer → feature (B, C, H, W). style: layer → Gram (B, C, C), divided by C·H·W.",
        "One encoder pass per image under torch.no_grad(), and read all layers from that pass.",
    ],
)


def _pair(draw, dtype=torch.float64):
    """An encoder with parameters that require gradients, a content and a style image of different size."""
    encoder = draw.encoder(5, 7, 4, dtype=dtype)
    return encoder, draw.image(2, 12, 9, dtype=dtype), draw.image(2, 7, 10, dtype=dtype)


@precompute_targets.check(points=2)
def content_features_and_style_grams(answer, draw):
    """Two style layers, one content layer, images of different size."""
    return answer(*_pair(draw), ["layer3"], ["layer1", "layer2"])


@precompute_targets.check(points=1)
def single_precision(answer, draw):
    """float32, and one layer in both lists."""
    return answer(*_pair(draw, torch.float32), ("layer2",), ("layer2",))


@precompute_targets.check(points=1)
def targets_are_constants(answer, draw):
    """No target requires a gradient, and each may be used in a later backward pass."""
    encoder, content, style = _pair(draw)
    targets = answer(encoder, content.clone().requires_grad_(), style, ["layer2"], ["layer1"])
    every = [*targets["content"].values(), *targets["style"].values()]
    scale = torch.ones((), dtype=torch.float64, requires_grad=True)
    sum((t * scale).square().sum() for t in every).backward()
    return {"constant": [not t.requires_grad and t.grad_fn is None for t in every], "backward": scale.grad}


@precompute_targets.check(points=1)
def one_pass_per_image(answer, draw):
    """Each image goes through the encoder once, also where one list is empty."""
    encoder, content, style = _pair(draw)
    answer(encoder, content, style, ["layer1", "layer3"], ["layer1", "layer2", "layer3"])
    both = encoder.calls
    only = answer(encoder, content, style, [], ["layer2"])
    return {"passes": both, "with no content layers": encoder.calls - both, "targets": only}


@precompute_targets.check(points=1)
def unknown_layers_are_refused(answer, draw):
    """KeyError for a layer that does not exist, ValueError for no layer at all."""
    encoder, content, style = _pair(draw)
    return {
        "an unknown content layer": outcome(answer, encoder, content, style, ["layer9"], ["layer1"]),
        "an unknown style layer": outcome(answer, encoder, content, style, ["layer1"], ["relu9"]),
        "no layers": outcome(answer, encoder, content, style, [], []),
    }


def _gram(features):
    flat = features.flatten(2)
    return flat @ flat.mT / (flat.shape[1] * flat.shape[2])


def _targets(encoder, content, style, content_layers, style_layers, statistic=_gram, detach=True):
    """The skeleton that variants and misconceptions of 2.2 share."""
    if not content_layers and not style_layers:
        raise ValueError("layers")
    of_content, of_style = encoder(content), encoder(style)
    targets = {
        "content": {name: of_content[name] for name in content_layers},
        "style": {name: statistic(of_style[name]) for name in style_layers},
    }
    if not detach:
        return targets
    return {kind: {name: t.detach() for name, t in part.items()} for kind, part in targets.items()}


@precompute_targets.misconception(
    "You swapped the images; content layers come from the content image, style Grams from the style image."
)
def swaps_the_images(encoder, content, style, content_layers, style_layers):
    return _targets(encoder, style, content, content_layers, style_layers)


@precompute_targets.misconception(
    "You stored style features; a style target is a Gram matrix, not a feature map."
)
def stores_style_features(encoder, content, style, content_layers, style_layers):
    return _targets(encoder, content, style, content_layers, style_layers, statistic=lambda f: f)


@precompute_targets.misconception("You kept the graph; targets are constants, so detach them.")
def keeps_the_graph(encoder, content, style, content_layers, style_layers):
    return _targets(encoder, content, style, content_layers, style_layers, detach=False)


@precompute_targets.misconception(
    "You ran the encoder once per layer; one forward pass per image gives all layers."
)
def passes_once_per_layer(encoder, content, style, content_layers, style_layers):
    if not content_layers and not style_layers:
        raise ValueError("layers")
    return {
        "content": {name: encoder(content)[name].detach() for name in content_layers},
        "style": {name: _gram(encoder(style)[name]).detach() for name in style_layers},
    }


@precompute_targets.misconception("You divided the Gram matrices by H·W; here they are divided by C·H·W.")
def forgets_the_channels(encoder, content, style, content_layers, style_layers):
    return _targets(encoder, content, style, content_layers, style_layers, lambda f: _gram(f) * f.shape[1])


@precompute_targets.misconception(
    "You used inference mode, whose tensors no later backward pass may touch; use no_grad or detach."
)
def uses_inference_mode(encoder, content, style, content_layers, style_layers):
    with torch.inference_mode():
        return _targets(encoder, content, style, content_layers, style_layers, detach=False)


@precompute_targets.accepts
def under_no_grad(encoder, content, style, content_layers, style_layers):
    with torch.no_grad():
        return _targets(encoder, content, style, content_layers, style_layers, detach=False)


@precompute_targets.accepts
def by_einsum(encoder, content, style, content_layers, style_layers):
    def gram(f):
        return torch.einsum("bchw,bdhw->bcd", f, f) / f[0].numel()

    return _targets(encoder, content, style, content_layers, style_layers, gram)


# --- 2.3 ------------------------------------------------------------------------------------------

run_transfer = exercise(
    "run_transfer",
    reference="nstkit.transfer:run_transfer",
    level="medium",
    minutes=25,
    hints=[
        "Only one tensor learns: a copy of the starting image. The optimiser must hold that very tensor to the end.",
        "Each step: zero_grad, loss, backward, step, and a clamp that writes into the same tensor under no_grad.",
        "Record loss.item() before the step; return image.detach() and a list as long as `steps`.",
    ],
)


def _objective(draw, dtype=torch.float64):
    """A small style transfer: content at layer 2, Gram at layer 1."""
    encoder = draw.encoder(4, 6, dtype=dtype).requires_grad_(False)
    with torch.no_grad():
        content = encoder(draw.image(2, 8, 10, dtype=dtype)[:1])["layer2"]
        style = _gram(encoder(draw.image(2, 9, 7, dtype=dtype)[1:])["layer1"])

    def objective(image):
        features = encoder(image)
        return (features["layer2"] - content).square().mean() + 40 * (
            _gram(features["layer1"]) - style
        ).square().sum()

    return objective, draw.image(2, 8, 10, dtype=dtype)[1:]


@run_transfer.check(points=2)
def a_small_transfer(answer, draw):
    """Twelve steps of a real objective: the image and the history."""
    objective, init = _objective(draw)
    image, history = answer(objective, init, 12)
    return {"image": image, "history": list(history), "detached": not image.requires_grad}


@run_transfer.check(points=1)
def targets_outside_the_range(answer, draw):
    """A quadratic whose minimum lies outside the bounds ends at the bounds."""
    goal = draw.tensor(2, 3, 4, 5)
    image, history = answer(
        lambda x: (x - goal).square().sum(), draw.image(2, 4, 5), 40, lr=0.2, bounds=(-0.3, 0.6)
    )
    return {"image": image, "history": list(history)}


@run_transfer.check(points=1)
def single_precision_and_rates(answer, draw):
    """float32, another learning rate, a starting image that requires a gradient."""
    objective, init = _objective(draw, torch.float32)
    image, history = answer(objective, init.clone().requires_grad_(), 5, lr=0.01)
    return {"image": image, "losses": len(history), "floats": all(type(loss) is float for loss in history)}


@run_transfer.check(points=1)
def no_steps_give_a_copy(answer, draw):
    """Zero steps: a copy of the start and an empty history."""
    init = draw.image(2, 4, 6)
    image, history = answer(lambda x: x.sum(), init, 0)
    return {"image": image, "a copy": image.data_ptr() != init.data_ptr(), "history": list(history)}


@run_transfer.check(points=1)
def what_makes_no_sense_is_refused(answer, draw):
    """ValueError for negative steps, bounds that do not increase, and a loss that is no scalar."""
    init = draw.image(2, 4, 6)
    return {
        "steps=-1": outcome(answer, lambda x: x.sum(), init, -1),
        "bounds=(1, 0)": outcome(answer, lambda x: x.sum(), init, 2, bounds=(1.0, 0.0)),
        "bounds=(1, 1)": outcome(answer, lambda x: x.sum(), init, 2, bounds=(1.0, 1.0)),
        "a loss per pixel": outcome(answer, lambda x: x.square(), init, 2),
        "a loss of shape (1,)": outcome(answer, lambda x: x.sum().reshape(1), init, 2),
    }


def _refuse_run(objective, init, steps, bounds):
    if steps < 0 or bounds[0] >= bounds[1]:
        raise ValueError("steps, bounds")
    if steps and objective(init.detach()).ndim:
        raise ValueError("objective")


def _run(
    objective, init, steps, lr, bounds, *, optimiser=torch.optim.Adam, zero=True, clamp=True, late=False
):
    """The loop that variants and misconceptions of 2.3 share."""
    _refuse_run(objective, init, steps, bounds)
    image = init.detach().clone().requires_grad_()
    optimizer, history = optimiser([image], lr=lr), []
    for _ in range(steps):
        if zero:
            optimizer.zero_grad()
        loss = objective(image)
        loss.backward()
        optimizer.step()
        if clamp:
            with torch.no_grad():
                image.clamp_(*bounds)
        history.append(objective(image).item() if late else loss.item())
    return image.detach(), history


@run_transfer.misconception(
    "You rebound the name to the clamped tensor, so the optimiser holds the old one; clamp in place under no_grad."
)
def rebinds_the_image(objective, init, steps, lr=0.05, bounds=(0.0, 1.0)):
    _refuse_run(objective, init, steps, bounds)
    image = init.detach().clone().requires_grad_()
    optimizer, history = torch.optim.Adam([image], lr=lr), []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = objective(image)
        loss.backward()
        optimizer.step()
        image = image.detach().clamp(*bounds).requires_grad_()
        history.append(loss.item())
    return image.detach(), history


@run_transfer.misconception("You let gradients add up over the steps; zero the gradient at every step.")
def never_zeroes_the_gradient(objective, init, steps, lr=0.05, bounds=(0.0, 1.0)):
    return _run(objective, init, steps, lr, bounds, zero=False)


@run_transfer.misconception("You let pixels leave the range; project back to the bounds after each step.")
def never_clamps(objective, init, steps, lr=0.05, bounds=(0.0, 1.0)):
    return _run(objective, init, steps, lr, bounds, clamp=False)


@run_transfer.misconception(
    "You clamped to [0, 1] whatever `bounds` says; clamp to the bounds that are passed."
)
def ignores_the_bounds(objective, init, steps, lr=0.05, bounds=(0.0, 1.0)):
    _refuse_run(objective, init, steps, bounds)
    return _run(objective, init, steps, lr, (0.0, 1.0))


@run_transfer.misconception(
    "You recorded the loss after the update; history[t] is the objective before update t."
)
def records_after_the_step(objective, init, steps, lr=0.05, bounds=(0.0, 1.0)):
    return _run(objective, init, steps, lr, bounds, late=True)


@run_transfer.misconception("You used plain gradient descent, which hardly moves; use Adam on the pixels.")
def uses_plain_descent(objective, init, steps, lr=0.05, bounds=(0.0, 1.0)):
    return _run(objective, init, steps, lr, bounds, optimiser=torch.optim.SGD)


@run_transfer.misconception("You optimised the caller's image itself; clone the starting image.")
def works_on_the_callers_image(objective, init, steps, lr=0.05, bounds=(0.0, 1.0)):
    image, history = _run(objective, init, steps, lr, bounds)
    with torch.no_grad():
        init.copy_(image)
    return init.detach(), history


@run_transfer.accepts
def by_copy_underscore(objective, init, steps, lr=0.05, bounds=(0.0, 1.0)):
    _refuse_run(objective, init, steps, bounds)
    image = torch.nn.Parameter(init.detach().clone())
    optimizer, history = torch.optim.Adam([image], lr), []
    for _ in range(steps):
        image.grad = None
        loss = objective(image)
        history.append(float(loss.detach()))
        loss.backward()
        optimizer.step()
        image.data.copy_(image.data.clamp(*bounds))
    return image.data.clone(), history


@run_transfer.accepts
def by_hand(objective, init, steps, lr=0.05, bounds=(0.0, 1.0)):
    _refuse_run(objective, init, steps, bounds)
    image, history = init.detach().clone(), []
    first, second = torch.zeros_like(image), torch.zeros_like(image)
    for t in range(1, steps + 1):
        leaf = image.clone().requires_grad_()
        loss = objective(leaf)
        (grad,) = torch.autograd.grad(loss, leaf)
        first, second = 0.9 * first + 0.1 * grad, 0.999 * second + 0.001 * grad**2
        step = (first / (1 - 0.9**t)) / ((second / (1 - 0.999**t)).sqrt() + 1e-8)
        image = (image - lr * step).clamp(*bounds)
        history.append(loss.item())
    return image, history
