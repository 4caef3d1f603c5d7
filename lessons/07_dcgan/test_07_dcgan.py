"""Lesson 07, DCGAN: the networks by their rules, the initialisation, one iteration, and a training that works."""

from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from nstkit.grading import exercise, outcome

# --- 7.1 ------------------------------------------------------------------------------------------

build_dcgan = exercise(
    "build_dcgan",
    reference="nstkit.gan:build_dcgan",
    level="medium",
    minutes=25,
    hints=[
        "The generator doubles the size and halves the maps layer by layer; the discriminator is its mirror image.",
        "From 4 x 4 to image_size it takes n = log2(image_size) - 2 doublings; list the widths width·2^k for k < n "
        "once, and walk the list in both directions.",
        "Both loops append [convolution without bias, batch norm, activation]; the layers next to the image and the "
        "last one of the discriminator stand outside of the loops, with a bias and without batch norm.",
    ],
)


def _fill(net, draw):
    """Give every parameter a drawn value, in the order of parameters(), and compute in float64."""
    net.double().train()
    for parameter in net.parameters():
        values = torch.from_numpy(draw.rng.normal(size=tuple(parameter.shape)))
        fan = max(1, parameter[0].numel())
        parameter.data = 1 + 0.2 * values if parameter.ndim == 1 else values / fan**0.5
    return net


def _built(answer, draw, image_size, channels, latent_dim, width):
    """Shapes of all parameters, and what both networks make of drawn parameters and inputs."""
    z, images = draw.tensor(3, latent_dim, 1, 1), draw.tensor(3, channels, image_size, image_size)
    with torch.random.fork_rng(devices=[]):
        gen, disc = answer(image_size, channels, latent_dim, width)
    with torch.no_grad():
        return {
            "parameters of the generator": [list(p.shape) for p in gen.parameters()],
            "parameters of the discriminator": [list(p.shape) for p in disc.parameters()],
            "images": _fill(gen, draw)(z),
            "scores": _fill(disc, draw)(images),
        }


@build_dcgan.check(points=2)
def sixteen_pixels(answer, draw):
    """16 pixels, two channels: layers, shapes, and what they compute."""
    return _built(answer, draw, 16, 2, 5, 6)


@build_dcgan.check(points=1)
def the_smallest_and_a_larger_one(answer, draw):
    """8 pixels, with a single doubling, and 32 pixels."""
    return [_built(answer, draw, 8, 3, 4, 5), _built(answer, draw, 32, 1, 7, 3)]


@build_dcgan.check(points=1)
def the_widths_double_to_the_end(answer, draw):
    """128 pixels: the deepest layer has 16 times the width."""
    return _built(answer, draw, 128, 3, 4, 2)


@build_dcgan.check(points=1)
def the_number_of_parameters(answer, draw):
    """12 641 in the generator and 9 041 in the discriminator for (16, 1, 8, 16), and images within [-1, 1]."""
    with torch.random.fork_rng(devices=[]):
        gen, disc = answer(16, 1, 8, 16)
    images = gen.double().train()(100 * draw.tensor(4, 8, 1, 1))
    return {
        "parameters": [sum(p.numel() for p in net.parameters()) for net in (gen, disc)],
        "images within [-1, 1]": bool(images.abs().max() <= 1),
        "some below 0": bool(images.min() < 0),
    }


@build_dcgan.check(points=1)
def impossible_sizes_are_refused(answer, draw):
    """ValueError for a size that is no power of two from 8 up, and for numbers below 1."""
    cases = {
        "image_size=4": (4, 1, 8, 16),
        "image_size=24": (24, 1, 8, 16),
        "image_size=0": (0, 1, 8, 16),
        "channels=0": (16, 0, 8, 16),
        "latent_dim=0": (16, 1, 0, 16),
        "width=-2": (16, 1, 8, -2),
    }
    with torch.random.fork_rng(devices=[]):
        return {name: outcome(answer, *arguments) for name, arguments in cases.items()}


def _networks(
    image_size, channels, latent_dim, width, *, bias=False, end=nn.Tanh, last_norm=False, first_norm=None,
    slope=0.2, sigmoid=False, cap=None,
):  # fmt: skip
    """The skeleton that the misconceptions share; without options it is right."""
    if image_size < 8 or image_size & (image_size - 1) or min(channels, latent_dim, width) < 1:
        raise ValueError("image_size, channels, latent_dim, width")
    widths = [width * min(2**k, cap or 2**k) for k in range(image_size.bit_length() - 3)]
    gen = [
        nn.ConvTranspose2d(latent_dim, widths[-1], 4, 1, 0, bias=bias),
        nn.BatchNorm2d(widths[-1]),
        nn.ReLU(),
    ]
    for wide, narrow in pairwise(widths[::-1]):
        gen += [nn.ConvTranspose2d(wide, narrow, 4, 2, 1, bias=bias), nn.BatchNorm2d(narrow), nn.ReLU()]
    gen += [nn.ConvTranspose2d(width, channels, 4, 2, 1)] + [nn.BatchNorm2d(channels)] * last_norm + [end()]
    disc = [nn.Conv2d(channels, width, 4, 2, 1, bias=first_norm != "without bias")]
    disc += ([nn.BatchNorm2d(width)] if first_norm else []) + [nn.LeakyReLU(slope)]
    for narrow, wide in pairwise(widths):
        disc += [nn.Conv2d(narrow, wide, 4, 2, 1, bias=bias), nn.BatchNorm2d(wide), nn.LeakyReLU(slope)]
    disc += [nn.Conv2d(widths[-1], 1, 4)] + ([nn.Sigmoid()] if sigmoid else [])
    return nn.Sequential(*gen), nn.Sequential(*disc)


@build_dcgan.misconception(
    "You put a batch norm behind the generator's last layer; leave the output without one, or no image can be "
    "brighter than another."
)
def norms_the_output(image_size, channels, latent_dim, width):
    return _networks(image_size, channels, latent_dim, width, last_norm=True)


@build_dcgan.misconception(
    "You put a batch norm into the discriminator's first block; leave its input layer without one."
)
def norms_the_input_layer(image_size, channels, latent_dim, width):
    return _networks(image_size, channels, latent_dim, width, first_norm="with bias")


@build_dcgan.misconception(
    "You put a batch norm into the discriminator's first block, and took its bias away; leave the input layer with a "
    "bias and without a norm."
)
def norms_the_input_layer_without_bias(image_size, channels, latent_dim, width):
    return _networks(image_size, channels, latent_dim, width, first_norm="without bias")


@build_dcgan.misconception(
    "You ended the discriminator with a sigmoid; return raw logits, since the loss applies the sigmoid."
)
def ends_with_a_sigmoid(image_size, channels, latent_dim, width):
    return _networks(image_size, channels, latent_dim, width, sigmoid=True)


@build_dcgan.misconception(
    "You used ReLU in the discriminator, whose dead units send no gradient back; use LeakyReLU(0.2) there."
)
def uses_relu_in_the_discriminator(image_size, channels, latent_dim, width):
    return _networks(image_size, channels, latent_dim, width, slope=0.0)


@build_dcgan.misconception(
    "You left torch's default slope of 0.01 in LeakyReLU; the discriminator's slope is 0.2."
)
def keeps_the_default_slope(image_size, channels, latent_dim, width):
    return _networks(image_size, channels, latent_dim, width, slope=0.01)


@build_dcgan.misconception(
    "You gave a bias to layers with a batch norm behind them, which cancels it; set bias=False there."
)
def keeps_the_bias_before_the_norm(image_size, channels, latent_dim, width):
    return _networks(image_size, channels, latent_dim, width, bias=True)


@build_dcgan.misconception(
    "You left the generator's output unbounded; images live in [-1, 1], so end with tanh."
)
def ends_without_tanh(image_size, channels, latent_dim, width):
    return _networks(image_size, channels, latent_dim, width, end=nn.Identity)


@build_dcgan.misconception(
    "You ended the generator with a sigmoid, which gives [0, 1]; the data are in [-1, 1], so end with tanh."
)
def ends_the_generator_with_a_sigmoid(image_size, channels, latent_dim, width):
    return _networks(image_size, channels, latent_dim, width, end=nn.Sigmoid)


@build_dcgan.misconception(
    "You stopped doubling at eight times the width; the maps double with every halving, to width·2^(n-1)."
)
def caps_the_widths(image_size, channels, latent_dim, width):
    return _networks(image_size, channels, latent_dim, width, cap=8)


@build_dcgan.accepts
def as_one_sequence(image_size, channels, latent_dim, width):
    return _networks(image_size, channels, latent_dim, width)


@build_dcgan.accepts
def of_nested_blocks_in_place(image_size, channels, latent_dim, width):
    doublings = int(np.log2(image_size)) - 2 if image_size > 0 else 0
    if doublings < 1 or 2 ** (doublings + 2) != image_size or min(channels, latent_dim, width) < 1:
        raise ValueError("arguments")

    def up(inward, outward, *geometry):
        convolution = nn.ConvTranspose2d(inward, outward, 4, *geometry, bias=False)
        return nn.Sequential(convolution, nn.BatchNorm2d(outward), nn.ReLU(inplace=True))

    def down(inward, outward):
        convolution = nn.Conv2d(inward, outward, 4, 2, 1, bias=False)
        return nn.Sequential(convolution, nn.BatchNorm2d(outward), nn.LeakyReLU(0.2, inplace=True))

    deepest = width * 2 ** (doublings - 1)
    gen, disc = [up(latent_dim, deepest)], []
    for k in range(doublings - 1):
        gen.append(up(deepest // 2**k, deepest // 2 ** (k + 1), 2, 1))
        disc.append(down(width * 2**k, width * 2 ** (k + 1)))
    head = nn.Sequential(nn.ConvTranspose2d(width, channels, 4, 2, 1), nn.Tanh())
    eye = nn.Sequential(nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2, True))
    return nn.Sequential(*gen, head), nn.Sequential(eye, *disc, nn.Conv2d(deepest, 1, 4, 1, 0))


# --- 7.2 ------------------------------------------------------------------------------------------

dcgan_init_ = exercise(
    "dcgan_init_",
    reference="nstkit.gan:dcgan_init_",
    level="easy",
    minutes=10,
    hints=[
        "Two kinds of layers get new numbers, each kind its own mean; all others are left alone.",
        "module.modules() walks through all layers, also nested ones; a bias may be None.",
        "isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)): weight.normal_(0, 0.02, generator=generator) under "
        "no_grad; nn.BatchNorm2d the same around 1; zero the biases that exist.",
    ],
)


def _module():
    """A nested module with layers of at least 20 000 weights, and values that must go or stay."""
    with torch.random.fork_rng(devices=[]):
        net = nn.Sequential(
            nn.Conv2d(3, 5, 2),
            nn.Sequential(nn.Conv2d(50, 60, 3), nn.Sequential(nn.ConvTranspose2d(60, 50, 3, bias=False))),
            nn.ConvTranspose2d(40, 60, 3),
            nn.Sequential(nn.BatchNorm2d(24_000)),
        )
    norm = net[3][0]
    for values, number in ((norm.bias, 0.7), (norm.running_mean, 3.0), (norm.running_var, 2.0)):
        values.data.fill_(number)
    return net


def _initialised(answer, generator=None):
    net = _module()
    with torch.random.fork_rng(devices=[]):
        if generator is None:
            torch.manual_seed(1)
        result = answer(net, generator)
    return net, result


def _looks(weights, center):
    """Mean, deviation and tails in words: within 5 % of normal with deviation 0.02, or what else."""
    z = (weights.detach().double().flatten() - center) / 0.02
    deviation = z.std().item()
    return {
        "mean": "right" if abs(z.mean()) < 0.05 else "off",
        "deviation": "0.02" if abs(deviation - 1) < 0.05 else f"about {0.02 * deviation:.1g}",
        "tails": "normal" if abs((z.abs() > deviation).double().mean() - 0.317) < 0.03 else "not normal",
        "beyond three deviations": bool(z.abs().max() > 3 * deviation),
    }


@dcgan_init_.check(points=2)
def convolutions_of_both_kinds(answer, draw):
    """Normal weights of deviation 0.02 in convolutions and transposed ones, direct and nested."""
    net, _ = _initialised(answer, draw.generator())
    layers = {
        "nested convolution": net[1][0],
        "nested transposed convolution": net[1][1][0],
        "transposed convolution": net[2],
    }
    return {name: _looks(layer.weight, 0.0) for name, layer in layers.items()}


@dcgan_init_.check(points=1)
def batch_norms(answer, draw):
    """Scales around 1; the running statistics stay."""
    norm = _initialised(answer, draw.generator())[0][3][0]
    return {
        "scales": _looks(norm.weight, 1.0),
        "running mean": float(norm.running_mean.unique()),
        "running variance": float(norm.running_var.unique()),
    }


@dcgan_init_.check(points=1)
def biases_are_zero(answer, draw):
    """All biases, those of the batch norms too; a layer without bias is no error."""
    net, _ = _initialised(answer, draw.generator())
    layers = {
        "convolution": net[0],
        "nested": net[1][0],
        "transposed": net[2],
        "batch norm": net[3][0],
    }
    return {name: float(layer.bias.detach().abs().max()) for name, layer in layers.items()}


@dcgan_init_.check(points=1)
def the_generator_decides(answer, draw):
    """The same seed gives the same weights, another seed others; the module itself comes back."""
    seed = int(draw.rng.integers(2**30))
    (one, result), (same, _), (other, _) = (
        _initialised(answer, torch.Generator().manual_seed(s)) for s in (seed, seed, seed + 1)
    )

    def equal(a, b):
        return all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))

    return {
        "same seed, same weights": equal(one, same),
        "another seed, the same weights": equal(one, other),
        "returns the module": result is one,
        "still trainable": all(p.requires_grad and p.is_leaf for p in one.parameters()),
        "without a generator": _looks(_initialised(answer)[0][2].weight, 0.0),
    }


def _init_all(
    module, generator, layers=None, deviation=0.02, kinds=(nn.Conv2d, nn.ConvTranspose2d), center=1.0
):
    with torch.no_grad():
        for layer in module.modules() if layers is None else layers:
            if isinstance(layer, kinds):
                layer.weight.normal_(0.0, deviation, generator=generator)
            elif isinstance(layer, nn.BatchNorm2d):
                layer.weight.normal_(center, deviation, generator=generator)
            else:
                continue
            if layer.bias is not None:
                layer.bias.zero_()
    return module


@dcgan_init_.misconception(
    "You took 0.02 for the variance, so the weights are seven times too large; it is the standard deviation."
)
def takes_it_for_the_variance(module, generator=None):
    return _init_all(module, generator, deviation=0.02**0.5)


@dcgan_init_.misconception(
    "You drew batch-norm scales around 0, which silences the layer; draw them around 1."
)
def centres_scales_at_zero(module, generator=None):
    return _init_all(module, generator, center=0.0)


@dcgan_init_.misconception("You skipped the transposed convolutions; handle ConvTranspose2d as well.")
def skips_transposed_convolutions(module, generator=None):
    net = _init_all(module, generator, kinds=nn.Conv2d)
    for layer in net.modules():
        if isinstance(layer, nn.ConvTranspose2d) and layer.bias is not None:
            layer.bias.data.zero_()
    return net


@dcgan_init_.misconception(
    "You visited the direct children only; visit all sub-modules, with modules() or apply()."
)
def visits_children_only(module, generator=None):
    return _init_all(module, generator, layers=list(module.children()))


@dcgan_init_.misconception("You drew the batch-norm bias; set it to 0, since only the scale is drawn.")
def draws_the_norm_bias(module, generator=None):
    _init_all(module, generator)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.bias.data.normal_(0.0, 0.02, generator=generator)
    return module


@dcgan_init_.misconception("You ignored `generator`; pass it to normal_, so that a seed decides the weights.")
def ignores_the_generator(module, generator=None):
    return _init_all(module, None)


@dcgan_init_.misconception("You left the biases as they were; set them to 0.")
def leaves_the_biases(module, generator=None):
    before = {
        layer: layer.bias.clone() for layer in module.modules() if getattr(layer, "bias", None) is not None
    }
    _init_all(module, generator)
    for layer, bias in before.items():
        layer.bias.data.copy_(bias.detach())
    return module


@dcgan_init_.accepts
def by_the_loop(module, generator=None):
    return _init_all(module, generator)


@dcgan_init_.accepts
def by_apply_with_norms_first(module, generator=None):
    def norms(layer):
        if type(layer).__name__.startswith("BatchNorm"):
            layer.weight.data = 1 + 0.02 * torch.randn(layer.weight.shape, generator=generator)
            nn.init.zeros_(layer.bias)

    def convolutions(layer):
        if "Conv" in type(layer).__name__:
            nn.init.normal_(layer.weight, 0, 0.02, generator=generator)
            if layer.bias is not None:
                nn.init.constant_(layer.bias, 0)

    return module.apply(norms).apply(convolutions)


# --- 7.3 ------------------------------------------------------------------------------------------

dcgan_train_step = exercise(
    "dcgan_train_step",
    reference="nstkit.gan:dcgan_train_step",
    level="hard",
    minutes=30,
    hints=[
        "Two ordinary training steps, one after the other: each clears, computes its loss, goes backward, moves.",
        "The discriminator is called three times: on real, on the detached fakes, and after its own step on the "
        "fakes again, for the generator.",
        "fake = gen(z); D: BCE(real, 1) + BCE(fake.detach(), 0), zero, backward, step; then G: BCE(disc(fake), 1), "
        "zero, backward, step.",
    ],
)


def _players(draw):
    """A generator and a discriminator with batch norm, float64, train mode."""
    with torch.random.fork_rng(devices=[]):
        gen = nn.Sequential(
            nn.ConvTranspose2d(3, 4, (2, 3)),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.ConvTranspose2d(4, 2, 3),
            nn.Tanh(),
        )
        disc = nn.Sequential(
            nn.Conv2d(2, 4, 2), nn.BatchNorm2d(4), nn.LeakyReLU(0.2), nn.Conv2d(4, 1, (3, 4))
        )
    return _fill(gen, draw), _fill(disc, draw)


def _optimizers(*nets):
    return [torch.optim.SGD(net.parameters(), lr=0.2) for net in nets]


def _batch(draw, size=5):
    return draw.watch(draw.tensor(size, 2, 4, 5).tanh(), "real"), draw.tensor(size, 3, 1, 1)


def _parameters(**nets):
    return {name: [p.detach().clone() for p in net.parameters()] for name, net in nets.items()}


@dcgan_train_step.check(points=3)
def three_iterations(answer, draw):
    """Three iterations with plain gradient descent: losses and all parameters."""
    gen, disc = _players(draw)
    optimizers = _optimizers(gen, disc)
    reports = [answer(gen, disc, *optimizers, *_batch(draw)) for _ in range(3)]
    return {"losses": reports, **_parameters(generator=gen, discriminator=disc)}


@dcgan_train_step.check(points=1)
def the_losses_come_before_the_steps(answer, draw):
    """One iteration: plain floats, each before its own update."""
    gen, disc = _players(draw)
    report = answer(gen, disc, *_optimizers(gen, disc), *_batch(draw))
    return {"losses": report, "types": {name: type(value).__name__ for name, value in report.items()}}


@dcgan_train_step.check(points=1)
def gradients_left_over_from_before(answer, draw):
    """Both networks hold old gradients; they must not count."""
    gen, disc = _players(draw)
    for parameter in [*gen.parameters(), *disc.parameters()]:
        parameter.grad = torch.ones_like(parameter)
    answer(gen, disc, *_optimizers(gen, disc), *_batch(draw))
    return _parameters(generator=gen, discriminator=disc)


@dcgan_train_step.check(points=1)
def the_generator_is_differentiated_once(answer, draw):
    """How often in two iterations a gradient arrives at the generator's weights."""
    gen, disc = _players(draw)
    optimizers, arrivals = _optimizers(gen, disc), []
    gen[0].weight.register_hook(lambda slope: arrivals.append(1))
    for _ in range(2):
        answer(gen, disc, *optimizers, *_batch(draw))
    return len(arrivals)


@dcgan_train_step.check(points=1)
def different_batches_are_refused(answer, draw):
    """ValueError where real and z differ in number."""
    gen, disc = _players(draw)
    real, z = _batch(draw)
    return {
        "fewer z": outcome(answer, gen, disc, *_optimizers(gen, disc), real, z[:3]),
        "fewer real": outcome(answer, gen, disc, *_optimizers(gen, disc), real[:4], z),
    }


def _bce(scores, label):
    return binary_cross_entropy_with_logits(scores, torch.full_like(scores, label))


def _same_number(real, z):
    if len(real) != len(z):
        raise ValueError("real, z")


def _move(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def _step(
    gen, disc, opt_g, opt_d, real, z, *, g_loss=lambda s: softplus(-s).mean(), factor=1.0, detach=True, reuse=False
):  # fmt: skip
    """The skeleton of variants and misconceptions; without options it is right."""
    _same_number(real, z)
    fake = gen(z)
    seen = fake.detach() if detach else fake
    d_value = factor * (_bce(disc(real), 1.0) + _bce(disc(seen), 0.0))
    _move(opt_d, d_value)
    g_value = g_loss(disc(fake if reuse else gen(z)))
    _move(opt_g, g_value)
    return {"d_loss": d_value.item(), "g_loss": g_value.item()}


@dcgan_train_step.misconception(
    "You let the discriminator's loss run back through the generator, whose gradient is then thrown away; detach the "
    "fake batch in the discriminator step."
)
def wastes_a_backward_pass(gen, disc, opt_g, opt_d, real, z):
    return _step(gen, disc, opt_g, opt_d, real, z, detach=False)


@dcgan_train_step.misconception(
    "You went backward through one graph twice, since the discriminator's loss ran into the generator; detach the "
    "fake batch in the discriminator step."
)
def walks_the_graph_twice(gen, disc, opt_g, opt_d, real, z):
    return _step(gen, disc, opt_g, opt_d, real, z, detach=False, reuse=True)


@dcgan_train_step.misconception(
    "You let the discriminator's loss leak into the generator's gradients; detach, and clear right before the "
    "generator's backward."
)
def leaks_into_the_generator(gen, disc, opt_g, opt_d, real, z):
    _same_number(real, z)
    opt_g.zero_grad()
    d_value = _bce(disc(real), 1.0) + _bce(disc(gen(z)), 0.0)
    _move(opt_d, d_value)
    g_value = _bce(disc(gen(z)), 1.0)
    g_value.backward()
    opt_g.step()
    return {"d_loss": d_value.item(), "g_loss": g_value.item()}


@dcgan_train_step.misconception(
    "You minimised log(1 − D(G(z))), which has no slope while D is certain; train G with label real."
)
def saturates(gen, disc, opt_g, opt_d, real, z):
    return _step(gen, disc, opt_g, opt_d, real, z, g_loss=lambda s: -softplus(s).mean())


@dcgan_train_step.misconception(
    "You trained the generator with label 0, to be recognised as fake; its target is 1."
)
def aims_at_fake(gen, disc, opt_g, opt_d, real, z):
    return _step(gen, disc, opt_g, opt_d, real, z, g_loss=lambda s: _bce(s, 0.0))


@dcgan_train_step.misconception("You halved the discriminator's loss; sum the two means.")
def halves_the_loss(gen, disc, opt_g, opt_d, real, z):
    return _step(gen, disc, opt_g, opt_d, real, z, factor=0.5)


@dcgan_train_step.misconception("You moved the generator first; update D first, then G with the new D.")
def moves_the_generator_first(gen, disc, opt_g, opt_d, real, z):
    _same_number(real, z)
    g_value = _bce(disc(gen(z)), 1.0)
    _move(opt_g, g_value)
    d_value = _bce(disc(real), 1.0) + _bce(disc(gen(z).detach()), 0.0)
    _move(opt_d, d_value)
    return {"d_loss": d_value.item(), "g_loss": g_value.item()}


@dcgan_train_step.misconception(
    "You put real and fake into one batch, where batch norm mixes their statistics; call D on each separately."
)
def mixes_real_and_fake(gen, disc, opt_g, opt_d, real, z):
    _same_number(real, z)
    fake = gen(z)
    scores_real, scores_fake = disc(torch.cat([real, fake.detach()])).chunk(2)
    d_value = _bce(scores_real, 1.0) + _bce(scores_fake, 0.0)
    _move(opt_d, d_value)
    g_value = _bce(disc(fake), 1.0)
    _move(opt_g, g_value)
    return {"d_loss": d_value.item(), "g_loss": g_value.item()}


@dcgan_train_step.misconception(
    "You never cleared the gradients, so those of earlier steps count too; clear them before each backward."
)
def never_clears(gen, disc, opt_g, opt_d, real, z):
    _same_number(real, z)
    fake = gen(z)
    d_value = _bce(disc(real), 1.0) + _bce(disc(fake.detach()), 0.0)
    d_value.backward()
    opt_d.step()
    g_value = _bce(disc(fake), 1.0)
    g_value.backward()
    opt_g.step()
    return {"d_loss": d_value.item(), "g_loss": g_value.item()}


@dcgan_train_step.accepts
def with_one_set_of_fakes(gen, disc, opt_g, opt_d, real, z):
    return _step(gen, disc, opt_g, opt_d, real, z, reuse=True)


@dcgan_train_step.accepts
def with_fakes_made_twice(gen, disc, opt_g, opt_d, real, z):
    _same_number(real, z)
    with torch.no_grad():
        fake = gen(z)
    d_value = softplus(-disc(real)).mean() + softplus(disc(fake)).mean()
    opt_d.zero_grad(set_to_none=False)
    d_value.backward()
    opt_d.step()
    disc.requires_grad_(False)
    g_value = softplus(-disc(gen(z))).mean()
    opt_g.zero_grad(set_to_none=True)
    g_value.backward()
    opt_g.step()
    disc.requires_grad_(True)
    return {"d_loss": float(d_value.detach()), "g_loss": float(g_value.detach())}


@dcgan_train_step.accepts
def by_autograd_grad(gen, disc, opt_g, opt_d, real, z):
    _same_number(real, z)
    fake = gen(z)
    losses = {}
    for name, net, optimizer, loss in (
        ("d_loss", disc, opt_d, lambda: _bce(disc(real), 1.0) + _bce(disc(fake.detach()), 0.0)),
        ("g_loss", gen, opt_g, lambda: _bce(disc(fake), 1.0)),
    ):
        value = loss()
        slopes = torch.autograd.grad(value, list(net.parameters()))
        for parameter, slope in zip(net.parameters(), slopes, strict=True):
            parameter.grad = slope
        optimizer.step()
        losses[name] = value.item()
    return losses


# --- 7.4 ------------------------------------------------------------------------------------------

fit_toy_dcgan = exercise(
    "fit_toy_dcgan",
    reference="nstkit.gan:fit_toy_dcgan",
    level="hard",
    minutes=25,
    hints=[
        "Everything random comes from one generator with the given seed; building the networks must not change the "
        "global random state.",
        "Noise is (batch_size, 8, 1, 1), real images (batch_size, 1, 16, 16), and the history has one entry per step.",
        "Build under torch.random.fork_rng, initialise, make two Adam optimisers with betas (0.5, 0.999), and loop: "
        "sampler(batch_size, generator), torch.randn(…, generator=generator), one step.",
    ],
)


def _blobs(count, generator):
    """A bright blob in one of two places on gray, (count, 1, 16, 16) within [-1, 1]."""
    middle = torch.where(torch.rand(count, 1, 1, 1, generator=generator) < 0.5, 4.5, 10.5)
    y, x = torch.arange(16.0)[:, None], torch.arange(16.0)
    return 1.5 * torch.exp(-((y - middle) ** 2 + (x - middle) ** 2) / (2 * 2.4**2)) - 0.5


def _noise(draw, count):
    return draw.tensor(count, 8, 1, 1, dtype=torch.float32)


def _verdict(made, real, history):
    """The first thing that is wrong with a batch of samples, in words; right trainings stay far from every limit."""
    if sum(entry["g_loss"] for entry in history[-10:]) < 1.0:
        return "the generator's loss fell to nearly 0: nobody resists it"
    if made.mean() > real.mean() + 0.4:
        return "the samples are much brighter than the data"
    if made.mean() < real.mean() - 0.25:
        return "the samples are much darker than the data"
    if (made.mean(0) - real.mean(0)).abs().mean() > 0.25:
        return "the mean image is off by more than 0.25"
    if (made.std(0) - real.std(0)).abs().mean() > 0.12:
        return "the samples do not vary as the data do"
    return "like the data, in mean and deviation"


@fit_toy_dcgan.check(points=3)
def two_blobs_are_learned(answer, draw):
    """After 50 small steps the samples have the mean and the spread of the data."""
    gen, history = answer(_blobs, 50, int(draw.rng.integers(1000)), batch_size=8, lr=5e-3)
    with torch.no_grad():
        made, real = gen(_noise(draw, 256)), _blobs(256, draw.generator())
    return {"samples": _verdict(made, real, history), "steps": len(history)}


@fit_toy_dcgan.check(points=1)
def the_seed_decides(answer, draw):
    """Same seed, same generator and history; another seed, others."""
    seed = int(draw.rng.integers(1000))
    (one, first), (two, second), (_, other) = (
        answer(_blobs, 3, s, batch_size=6) for s in (seed, seed, seed + 1)
    )
    z = _noise(draw, 5)
    return {
        "same seed, same history": first == second,
        "same seed, same images": bool(torch.equal(one(z), two(z))),
        "another seed, the same history": first == other,
        "keys": sorted(first[0]),
        "types": sorted({type(value).__name__ for entry in first for value in entry.values()}),
    }


@fit_toy_dcgan.check(points=1)
def the_data_are_drawn_step_by_step(answer, draw):
    """The sampler is called once per step with the batch size, and with a generator."""
    calls = []

    def sampler(count, generator):
        calls.append([count, isinstance(generator, torch.Generator)])
        return _blobs(count, generator)

    answer(sampler, 4, 0, batch_size=7)
    answer(sampler, 1, 0)
    return calls


@fit_toy_dcgan.check(points=1)
def it_is_a_generator(answer, draw):
    """12 641 parameters, and the image follows the noise."""
    gen, history = answer(_blobs, 2, 1, batch_size=6)
    z = _noise(draw, 6).requires_grad_()
    images = gen(z)
    images.square().sum().backward()
    return {
        "parameters": sum(p.numel() for p in gen.parameters()),
        "shape": list(images.shape),
        "different noise gives different images": bool(
            (images[1:] - images[:-1]).abs().amax((1, 2, 3)).min() > 1e-6
        ),
        "differentiable in the noise": bool(z.grad.abs().sum() > 0),
        "the discriminator improves first": history[0]["d_loss"] > 1.2,
    }


def _fit(
    sampler, steps, seed, batch_size, lr, *, change=lambda real: real, noise=1.0, target=1.0, moves=True,
):  # fmt: skip
    """The skeleton of variants and misconceptions; without options it is right."""
    random = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        gen, disc = _networks(16, 1, 8, 16)
        _init_all(gen, None), _init_all(disc, None)
    opt_g, opt_d = (torch.optim.Adam(net.parameters(), lr=lr, betas=(0.5, 0.999)) for net in (gen, disc))
    history = []
    for _ in range(steps):
        real = change(sampler(batch_size, random))
        fake = gen(noise * torch.randn(batch_size, 8, 1, 1, generator=random))
        d_value = _bce(disc(real), 1.0) + _bce(disc(fake.detach()), 0.0)
        _move(opt_d, d_value)
        g_value = _bce(disc(fake), target)
        if moves:
            _move(opt_g, g_value)
        history.append({"d_loss": d_value.item(), "g_loss": g_value.item()})
    return gen, history


@fit_toy_dcgan.misconception(
    "You never moved the generator; call backward on its loss, and step its optimiser."
)
def never_moves_the_generator(sampler, steps, seed, batch_size=32, lr=2e-3):
    return _fit(sampler, steps, seed, batch_size, lr, moves=False)


@fit_toy_dcgan.misconception(
    "You trained the generator to be recognised as fake; its images need the label real."
)
def trains_it_with_label_fake(sampler, steps, seed, batch_size=32, lr=2e-3):
    return _fit(sampler, steps, seed, batch_size, lr, target=0.0)


@fit_toy_dcgan.misconception(
    "You rescaled the data to [0, 1]; tanh images and data share the range [-1, 1], and the sampler's have it."
)
def rescales_to_zero_one(sampler, steps, seed, batch_size=32, lr=2e-3):
    return _fit(sampler, steps, seed, batch_size, lr, change=lambda real: (real + 1) / 2)


@fit_toy_dcgan.misconception(
    "You applied 2x − 1 to images that are in [-1, 1] already; do not rescale the sampler's images."
)
def rescales_once_more(sampler, steps, seed, batch_size=32, lr=2e-3):
    return _fit(sampler, steps, seed, batch_size, lr, change=lambda real: 2 * real - 1)


@fit_toy_dcgan.misconception(
    "You fed zeros to the generator while training, so it could only learn one image; feed Gaussian noise."
)
def feeds_zeros(sampler, steps, seed, batch_size=32, lr=2e-3):
    return _fit(sampler, steps, seed, batch_size, lr, noise=0.0)


@fit_toy_dcgan.misconception(
    "You trained with the global random state; draw weights, noise and data from a generator with the given seed."
)
def trusts_the_global_state(sampler, steps, seed, batch_size=32, lr=2e-3):
    return _fit(sampler, steps, torch.seed() % 2**31, batch_size, lr)


@fit_toy_dcgan.misconception(
    "You drew real images once and used them in every step; call the sampler in each step."
)
def draws_the_data_once(sampler, steps, seed, batch_size=32, lr=2e-3):
    real = sampler(batch_size, torch.Generator().manual_seed(seed))
    return _fit(lambda count, generator: real, steps, seed, batch_size, lr)


@fit_toy_dcgan.accepts
def by_the_skeleton(sampler, steps, seed, batch_size=32, lr=2e-3):
    return _fit(sampler, steps, seed, batch_size, lr)


@fit_toy_dcgan.accepts
def with_two_generators_in_eval_mode(sampler, steps, seed, batch_size=32, lr=2e-3):
    data = torch.Generator().manual_seed(seed + 7)
    gen, history = _fit(lambda count, _: sampler(count, data), steps, seed, batch_size, lr)
    return gen.eval(), history
