"""`stylize`: the one function to call. Gatys, Ecker & Bethge, CVPR 2016, from coarse to fine.

The network is a frozen instrument, cut at the deepest layer it is read at; the pixels move until its
features agree with the content and their Gram matrices with the styles.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from nstkit.encoders import Encoder
from nstkit.training.devices import pick_device
from nstkit.transfer.progress import Result, Step
from nstkit.transfer.regions import regions_of
from nstkit.transfer.run import Run
from nstkit.transfer.settled import (
    check_pictures,
    check_regions,
    check_sizes,
    settled_network,
    settled_options,
    settled_start,
    tapped,
)


def stylize(
    content: Tensor,
    styles: Tensor | Sequence[Tensor],
    *,
    recipe: Literal[
        "gatys2016", "johnson2016", "li2016", "risser2017", "strotss2019", "crowson2021", "crowson2023"
    ]
    | None = None,
    encoder: str | Encoder = "auto",
    weights: str | None = None,
    pooling: Literal["max", "average", "l2", "scaled_average", "scaled_l2"] | None = None,
    border: Literal["zeros", "replicate"] | None = None,
    size: int = 512,
    coarsest: int = 128,
    scale_factor: float | None = None,
    steps: int = 80,
    first_steps: int | None = None,
    content_weight: float | None = None,
    style_weight: float | None = None,
    tv_weight: float | None = None,
    tv_loss: Literal["squared", "nine_point"] | None = None,
    content_layers: Mapping[str, float] | None = None,
    style_layers: Mapping[str, float] | None = None,
    style_weights: Sequence[float] | None = None,
    masks: Tensor | None = None,
    style_masks: Sequence[Tensor | None] | None = None,
    content_map: Tensor | None = None,
    preserve_color: Literal["luminance", "histogram", "covariance"] | None = None,
    match_color: Literal["histogram", "covariance"] | None = None,
    style_scale: float = 1.0,
    style_loss: str | Mapping[str, str] | None = None,
    patch_sizes: Sequence[float] | None = None,
    patch_turns: Sequence[float] | None = None,
    content_loss: Literal["features", "half_sum", "self_similarity"] | None = None,
    normalize: Literal["hw", "chw", "none"] | None = None,
    balance: Literal["start", "gradient", "none"] | None = None,
    init: Literal["content", "noise", "gray"] | Tensor | None = None,
    optimizer: Literal["lbfgs", "adam"] | None = None,
    learning_rate: float | None = None,
    beta2: float | None = None,
    carry_over: bool | None = None,
    history: int = 10,
    average: float | None = None,
    seed: int = 0,
    generator: torch.Generator | None = None,
    device: str = "auto",
    precision: Literal["auto", "float32", "bfloat16"] = "auto",
    channels_last: bool = True,
    tile: int | None = None,
    on_step: Callable[[Step], bool | None] | None = None,
    resume: Mapping[str, Any] | None = None,
) -> Result:
    """Render the content image in the manner of the styles.

    Args:
        content: (B, 3, H, W) in [0, 1]; each comes to what it would come to alone.
        styles: one image or several, each (1, 3, h, w) in [0, 1].
        recipe: a published method, with its layers, losses and weights: gatys2016, johnson2016, li2016, risser2017,
            strotss2019, crowson2021 or crowson2023. Options given beside it win. None takes what suits the encoder.
        encoder: auto, vgg19, vgg16, squeezenet1_1, tiny, or an Encoder; auto is VGG-19 where its weights are at hand.
        weights: a weights file, a folder that holds it, or "random".
        pooling: how the encoder shrinks; scaled_average and scaled_l2 keep the size of features, which the others make
            smaller. None keeps the recipe's.
        border: what the encoder sees beyond the picture: zeros, or the edge replicated. None is zeros, or the recipe's.
        size: long side of the result in pixels.
        coarsest: smallest long side to start from.
        scale_factor: how many times as large each scale is as the one before. None is 2, or the recipe's.
        steps: optimisation steps at each scale.
        first_steps: steps at the first scale. None is as many as at the others, or the recipe's multiple of them.
        content_weight: weight of the content term; None takes the encoder's recipe.
        style_weight: weight of the style term; None takes the encoder's recipe.
        tv_weight: weight of squared total variation, which smooths; None is 0, or the recipe's.
        tv_loss: squared counts differences along rows and columns, nine_point also along diagonals. None is squared, or
            the recipe's.
        content_layers: content layers and their weights; beside the encoder's own there are luma2, luma4, luma8.
        style_layers: style layers and their weights; beside the encoder's own there are color1, color2, color4,
            pixels.
        style_weights: how much of each style; None gives all the same.
        masks: where each style counts: one mask per style, of the content's size, (K, H, W); 0, black, is nowhere.
        style_masks: which part of each style is read: one mask per style, of that style's size, (h, w); a style without
            one, which is - in a list of files, is read whole.
        content_map: how much the content counts at each place of it, (1, H, W) or (B, H, W); 0, black, is nothing.
        preserve_color: keep the content's colours: luminance transfers brightness alone; histogram and covariance
            recolour the styles first.
        match_color: give the content the styles' colours before the start, by histogram or covariance, so that the
            transfer need not find them.
        style_scale: size of the styles relative to the content; larger gives larger strokes.
        style_loss: gram, centered_gram, moments, wasserstein, sliced_wasserstein, patch, contextual, relaxed_emd or
            histogram; or one for each style layer, as relu1_1=gram; a+b takes two. None takes the encoder's recipe.
        patch_sizes: patches may also be like those of the style in these sizes; 0.9 makes it smaller. None is none, or
            the recipe's.
        patch_turns: likewise turned by these degrees, in every size. None is none, or the recipe's.
        content_loss: features compares place by place, half_sum likewise with Gatys' constant; self_similarity asks
            only for the pattern of likenesses within the content. None is features, or the recipe's.
        normalize: divide Gram matrices by H·W (hw), C·H·W (chw) or nothing; Gatys' 1/(4C²) always applies. None is
            hw, or the recipe's.
        balance: start scales every layer's term to 1 at the start, and to 0.1 with patch, contextual and relaxed_emd,
            which never come near 0; gradient divides squared differences by absolute ones; none leaves the published
            constants.
        init: start from the content, from noise, from gray, or from an image. None is the content, or the recipe's.
        optimizer: lbfgs or adam. None is lbfgs, and adam where a loss draws something at random at each step.
        learning_rate: None is 1 for lbfgs and 0.02 for adam.
        beta2: decay of adam's second moments. None is 0.999, or the recipe's.
        carry_over: begin each scale with adam's moments of the one before, enlarged, and not anew. None is no, or the
            recipe's.
        history: steps that lbfgs remembers.
        average: decay of the average of iterates that is returned; 0 returns the last iterate. None is 0, or the
            recipe's.
        seed: of the noise to start from, and of what losses draw.
        generator: draws the noise in place of the seed.
        device: auto, cpu, cuda, cuda:N or mps.
        precision: of the network; statistics are float32 always. auto is bfloat16 where it is fast.
        channels_last: memory layout of the network, faster nearly everywhere.
        tile: read pictures with a longer side than this in tiles of this many pixels, in a tile's memory; same result.
        on_step: called after each step; returning True stops the run, which can be resumed.
        resume: the checkpoint of a run that was stopped.
    Returns:
        A Result: image, losses, options, and a checkpoint where the run was stopped.
    Raises:
        ValueError, TypeError, KeyError: an argument, by name, with what was expected.
        NonFiniteLoss: a term became NaN or infinite; carries the last good image.
    """
    if not isinstance(styles, Tensor | Sequence):
        raise TypeError(f"styles: expected an image, (1, 3, h, w), or a list of them, got {styles!r}")
    pictures = [styles] if isinstance(styles, Tensor) else list(styles)
    check_pictures(content, pictures, style_weights)
    regions = regions_of(content, pictures, masks, content_map, style_masks)
    place = pick_device(device)
    network, plan = settled_network(encoder, weights, pooling, recipe)
    start = settled_start(init, content)
    options = settled_options(
        plan, place, encoder=f"{network.name} ({network.weights}, {pooling or plan.pooling or 'own'} pooling)",
        content_layers=content_layers, style_layers=style_layers, tile=tile,
        style_weights=tuple(style_weights or [1.0] * len(pictures)), content_weight=content_weight,
        style_weight=style_weight, tv_weight=tv_weight, tv_loss=tv_loss, style_loss=style_loss,
        patch_sizes=patch_sizes, patch_turns=patch_turns, content_loss=content_loss,
        normalize=normalize, balance=balance, style_scale=style_scale, size=size, coarsest=coarsest,
        scale_factor=scale_factor, steps=steps, first_steps=first_steps, optimizer=optimizer,
        learning_rate=learning_rate, beta2=beta2, carry_over=carry_over, border=border, history=history,
        average=average, init=init, seed=seed,
        precision=precision, channels_last=channels_last, preserve_color=preserve_color, match_color=match_color,
    )  # fmt: skip
    check_regions(regions, options)
    cut = tapped(network, options, place)
    del network  # 80 MB of VGG-19 in float32, which the run does not read
    check_sizes(content, pictures, cut.minimum_size())
    there = [picture.to(place, torch.float32) for picture in (content, *pictures)]
    first = None if start is None else start.to(place, torch.float32)
    where = regions.each(lambda mask: mask.to(place, torch.float32))
    return _drive(Run(cut, there[0], there[1:], first, options, generator, where), resume, on_step)


def _drive(
    run: Run, resume: Mapping[str, Any] | None, on_step: Callable[[Step], bool | None] | None
) -> Result:
    if resume is not None:
        run.resume(resume)
    stopped = False
    while not run.finished and not stopped:
        step = run.advance()
        stopped = bool(on_step(step)) if on_step is not None else False
    checkpoint = None if run.finished else run.checkpoint()
    losses = {name: float(term) for name, term in run.terms.items()}
    return Result(run.image(), run.finished, losses, checkpoint, run.options)
