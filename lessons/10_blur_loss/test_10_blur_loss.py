"""Lesson 10, blur loss: three losses of one name, a gap in sharpness, and what the prose really asks for."""

import numpy as np
import torch
from torch.nn import functional

from nstkit.grading import exercise, gradient, outcome

# --- 10.1 -----------------------------------------------------------------------------------------

blur_losses = exercise(
    "blur_losses",
    reference="nstkit.losses:blur_losses",
    level="medium",
    minutes=20,
    hints=[
        "Three differences: an image and its own blur, a blurred image and a sharp one, two blurred images.",
        "Pad by half the kernel's sides with mode='reflect'; the depthwise weight is (C, 1, kh, kw) with groups=C.",
        "S = d.square().sum((1, 2, 3)).mean(); the three d are g − B(g), B(g) − c and B(g) − B(c).",
    ],
)


def _kernel(draw, rows=3, columns=5, dtype=torch.float64):
    """Odd sides, sum 1, unchanged by a turn of 180°, and no product of a row and a column."""
    half = draw.rng.uniform(0, 1, size=(rows, columns))
    kernel = half + half[::-1, ::-1]
    return draw.watch(torch.from_numpy(kernel / kernel.sum()).to(dtype), "kernel")


@blur_losses.check(points=3)
def three_losses(answer, draw):
    """Two images and a rectangular kernel that is not separable."""
    return answer(draw.image(2, 6, 9), draw.image(2, 6, 9), _kernel(draw))


@blur_losses.check(points=1)
def other_channels_and_kernels(answer, draw):
    """Five channels, a tall kernel, and a kernel of one weight."""
    one = draw.watch(torch.ones(1, 1, dtype=torch.float64), "kernel")
    g, c = draw.tensor(2, 5, 7, 4), draw.tensor(2, 5, 7, 4)
    return {"tall": answer(g, c, _kernel(draw, 7, 3)), "one weight": answer(g, c, one)}


@blur_losses.check(points=1, atol=1e-9)
def what_costs_nothing(answer, draw):
    """A constant image has no self_blur; equal images no low_frequency."""
    c, kernel = draw.image(2, 6, 9), _kernel(draw, 5, 3)
    flat = draw.watch(torch.full((2, 3, 6, 9), draw.number(), dtype=torch.float64), "generated")
    return {"flat": answer(flat, c, kernel), "equal": answer(c, c, kernel)}


@blur_losses.check(points=1)
def single_precision_and_strides(answer, draw):
    """float32 stays float32, and images need not be contiguous."""
    single = [draw.image(2, 5, 8, dtype=torch.float32) for _ in range(2)]
    strided = [draw.image(3, 7, 5, strided=True) for _ in range(2)]
    return {
        "float32": answer(*single, _kernel(draw, dtype=torch.float32)),
        "strided": answer(*strided, _kernel(draw, 3, 3)),
    }


@blur_losses.check(points=1)
def gradients_reach_the_generated_image(answer, draw):
    """The gradient of each of the three."""
    c, g, kernel = draw.image(2, 5, 7), draw.image(2, 5, 7), _kernel(draw, 3, 3)
    names = ("self_blur", "blurred_vs_content", "low_frequency")
    return {name: gradient(lambda x, n=name: answer(x, c, kernel)[n], g) for name in names}


@blur_losses.check(points=1)
def kernels_and_shapes_are_checked(answer, draw):
    """ValueError for even sides, a sum other than 1, another shape, and a kernel too wide for the image."""
    g, c, kernel = draw.image(2, 6, 9), draw.image(2, 6, 9), _kernel(draw)
    even = torch.full((2, 4), 1 / 8, dtype=torch.float64)
    return {
        "even sides": outcome(answer, g, c, even),
        "one even side": outcome(answer, g, c, torch.full((3, 4), 1 / 12, dtype=torch.float64)),
        "a sum of 1.001": outcome(answer, g, c, kernel * 1.001),
        "another size": outcome(answer, g, draw.image(2, 9, 6), kernel),
        "one content for two images": outcome(answer, g, draw.image(1, 6, 9), kernel),
        "half the kernel as high as the image": outcome(answer, g, c, _kernel(draw, 13, 3)),
    }


def _refuse_kernel(generated, content, kernel):
    sides = kernel.shape
    if (
        generated.shape != content.shape
        or any(k % 2 == 0 for k in sides)
        or abs(float(kernel.sum()) - 1) > 1e-5
    ):
        raise ValueError("content, kernel")
    if any(k // 2 >= n for k, n in zip(sides, generated.shape[2:], strict=True)):
        raise ValueError("kernel")


def _blurred(image, kernel, mode="reflect"):
    rows, columns = (side // 2 for side in kernel.shape)
    padded = functional.pad(image, (columns, columns, rows, rows), mode=mode)
    weight = kernel.expand(image.shape[1], 1, *kernel.shape)
    return functional.conv2d(padded, weight, groups=image.shape[1])


def _three(generated, content, kernel, blur=_blurred, energy=lambda d: d.square().sum((1, 2, 3)).mean()):
    _refuse_kernel(generated, content, kernel)
    b = blur(generated, kernel)
    return {
        "self_blur": energy(generated - b),
        "blurred_vs_content": energy(b - content),
        "low_frequency": energy(b - blur(content, kernel)),
    }


@blur_losses.misconception(
    "You exchanged self_blur and blurred_vs_content; the printed formula, self_blur, never uses the content image."
)
def exchanges_formula_and_prose(generated, content, kernel):
    found = _three(generated, content, kernel)
    return found | {"self_blur": found["blurred_vs_content"], "blurred_vs_content": found["self_blur"]}


@blur_losses.misconception(
    "You left the generated image sharp in low_frequency; blur both images before you compare them."
)
def blurs_the_content_only(generated, content, kernel):
    found = _three(generated, content, kernel)
    difference = generated - _blurred(content, kernel)
    return found | {"low_frequency": difference.square().sum((1, 2, 3)).mean()}


@blur_losses.misconception(
    "You padded with zeros, so the dark rim counts as an error; pad with mode='reflect'."
)
def pads_with_zeros(generated, content, kernel):
    return _three(generated, content, kernel, lambda x, k: _blurred(x, k, "constant"))


@blur_losses.misconception(
    "You repeated the edge pixels; pad with mode='reflect', which mirrors around them."
)
def repeats_the_edge(generated, content, kernel):
    return _three(generated, content, kernel, lambda x, k: _blurred(x, k, "replicate"))


@blur_losses.misconception(
    "You convolved all channels together, which mixes the colours; blur each channel by itself with groups=C."
)
def mixes_the_channels(generated, content, kernel):
    def mixed(x, k):
        channels = x.shape[1]
        return _blurred(x, k).mean(1, keepdim=True).expand(-1, channels, -1, -1)

    return _three(generated, content, kernel, mixed)


@blur_losses.misconception(
    "You averaged over the pixels; sum over C, H and W, and average over the batch only."
)
def averages_the_pixels(generated, content, kernel):
    return _three(generated, content, kernel, energy=lambda d: d.square().mean())


@blur_losses.misconception("You summed over the batch too; average over the images.")
def sums_the_images(generated, content, kernel):
    return _three(generated, content, kernel, energy=lambda d: d.square().sum())


@blur_losses.misconception(
    "You blurred by rows and columns, which only a separable kernel allows; use the kernel as it is."
)
def takes_the_kernel_apart(generated, content, kernel):
    def separable(x, k):
        return _blurred(_blurred(x, k.sum(1, keepdim=True)), k.sum(0, keepdim=True))

    return _three(generated, content, kernel, separable)


@blur_losses.misconception(
    "You padded rows by the kernel's width and columns by its height; F.pad takes the last axis first."
)
def exchanges_the_paddings(generated, content, kernel):
    def exchanged(x, k):
        rows, columns = (side // 2 for side in k.shape)
        padded = functional.pad(x, (rows, rows, columns, columns), mode="reflect")
        weight = k.expand(x.shape[1], 1, *k.shape)
        return functional.interpolate(functional.conv2d(padded, weight, groups=x.shape[1]), size=x.shape[2:])

    return _three(generated, content, kernel, exchanged)


@blur_losses.accepts
def channel_by_channel(generated, content, kernel):
    def blur(x, k):
        planes = [_blurred(x[:, c : c + 1], k) for c in range(x.shape[1])]
        return torch.cat(planes, 1)

    return _three(generated, content, kernel, blur)


@blur_losses.accepts
def as_one_stack_of_planes(generated, content, kernel):
    _refuse_kernel(generated, content, kernel)
    rows, columns = kernel.shape

    def blur(x):
        planes = x.reshape(-1, 1, *x.shape[2:])
        padded = functional.pad(planes, (columns // 2,) * 2 + (rows // 2,) * 2, "reflect")
        return functional.conv2d(padded, kernel[None, None].flip(2, 3)).reshape(x.shape)

    b, n = blur(generated), len(generated)
    return {
        "low_frequency": (blur(generated - content) ** 2).sum() / n,
        "blurred_vs_content": ((b - content) ** 2).sum() / n,
        "self_blur": ((generated - b) ** 2).sum() / n,
    }


# --- 10.2 -----------------------------------------------------------------------------------------

sharpness_gap = exercise(
    "sharpness_gap",
    reference="nstkit.losses:sharpness_gap",
    level="medium",
    minutes=20,
    hints=[
        "One number for each image says how much fine structure it has; a ratio of two such numbers is what counts.",
        "Gray is (B, H, W), its Laplacian too, and the variance over H and W leaves (B,) for each of the two.",
        "Pad by reflection; four shifted copies minus 4·gray; then the mean of (log(v_g + eps) − log(v_c + eps))².",
    ],
)


@sharpness_gap.check(points=2)
def two_pairs(answer, draw):
    """Two pairs of images of one size."""
    return answer(draw.image(2, 7, 9), draw.tensor(2, 3, 7, 9))


@sharpness_gap.check(points=1)
def contrast_and_brightness(answer, draw):
    """Contrast counts as a ratio, brightness not at all, and the order of the two makes no difference."""
    c = draw.tensor(3, 3, 8, 6)
    return {
        "2.5 times the contrast": answer(2.5 * c, c),
        "half the contrast": answer(0.5 * c, c),
        "brighter, and twice the contrast": answer(2 * c + 3, c),
    }


@sharpness_gap.check(points=2, rtol=1e-2)
def other_sizes_and_eps(answer, draw):
    """Images that are not of one size, an eps that can be seen, and a flat image."""
    flat = draw.watch(torch.full((2, 3, 50, 64), 0.5, dtype=torch.float64), "generated")
    return {
        "size": answer(draw.tensor(2, 3, 64, 70), 2 * draw.tensor(2, 3, 80, 66)),
        "eps": answer(draw.tensor(2, 3, 60, 50), 5 * draw.tensor(2, 3, 60, 50), eps=20.0),
        "flat": answer(flat, draw.tensor(2, 3, 50, 64), 1e-3),
    }


@sharpness_gap.check(points=1)
def single_precision_strides_and_channels(answer, draw):
    """float32 stays float32; images need not be contiguous; four channels, two rows."""
    single = [draw.image(2, 7, 6, dtype=torch.float32) for _ in range(2)]
    return {
        "float32": answer(single[0], 3 * single[1]),
        "strided": answer(draw.image(2, 6, 7, strided=True), draw.tensor(2, 3, 6, 7)),
        "four channels": answer(draw.tensor(2, 4, 5, 6), 2 * draw.tensor(2, 4, 5, 6)),
        "two rows": answer(draw.tensor(2, 3, 2, 6), draw.tensor(2, 3, 2, 6)),
    }


@sharpness_gap.check(points=1)
def gradients_of_the_gap(answer, draw):
    """The gradient reaches the generated image."""
    c = draw.tensor(2, 3, 6, 5)
    return gradient(lambda g: answer(g, c), draw.tensor(2, 3, 6, 5))


@sharpness_gap.check(points=1)
def shapes_are_checked(answer, draw):
    """ValueError for a single row or column, and another batch."""
    g = draw.tensor(2, 3, 6, 5)
    return {
        "one row": outcome(answer, g, g[:, :, :1]),
        "one column": outcome(answer, g[..., :1], g),
        "one content for two images": outcome(answer, g, g[:1]),
    }


FOUR = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])
EIGHT = torch.tensor([[1.0, 1, 1], [1, -8, 1], [1, 1, 1]])


def _laplacian(image, taps=FOUR, mode="reflect"):
    gray = functional.pad(image.mean(1, keepdim=True), (1, 1, 1, 1), mode=mode)
    return functional.conv2d(gray, taps.to(image)[None, None])[:, 0]


def _refuse_sizes(generated, content):
    if len(generated) != len(content) or min(*generated.shape[2:], *content.shape[2:]) < 2:
        raise ValueError("generated, content")


def _gap(generated, content, eps, measure=lambda x: _laplacian(x).flatten(1).var(1, correction=0)):
    _refuse_sizes(generated, content)
    return (torch.log(measure(generated) + eps) - torch.log(measure(content) + eps)).square().mean()


@sharpness_gap.misconception(
    "You compared the variances themselves, which grows with the contrast of both; compare their logarithms."
)
def leaves_the_logarithm_out(generated, content, eps=1e-8):
    _refuse_sizes(generated, content)
    g, c = (_laplacian(x).flatten(1).var(1, correction=0) for x in (generated, content))
    return (g - c).square().mean()


@sharpness_gap.misconception(
    "You used all eight neighbours; use the four-neighbour Laplacian with −4 in its centre."
)
def counts_eight_neighbours(generated, content, eps=1e-8):
    return _gap(generated, content, eps, lambda x: _laplacian(x, EIGHT).flatten(1).var(1, correction=0))


@sharpness_gap.misconception(
    "You padded with zeros, so the rim is the sharpest edge of the image; reflect at the border."
)
def makes_the_rim_an_edge(generated, content, eps=1e-8):
    return _gap(
        generated, content, eps, lambda x: _laplacian(x, mode="constant").flatten(1).var(1, correction=0)
    )


@sharpness_gap.misconception(
    "You took the mean of |Laplacian|; take its variance, which counts contrast squared."
)
def takes_the_mean_magnitude(generated, content, eps=1e-8):
    return _gap(generated, content, eps, lambda x: _laplacian(x).abs().mean((1, 2)))


@sharpness_gap.misconception(
    "You left eps out, so a flat image gives infinity; add eps before the logarithm."
)
def leaves_eps_out(generated, content, eps=1e-8):
    return _gap(generated, content, 0.0)


@sharpness_gap.misconception(
    "You returned the difference of the logarithms, which may be negative; square it."
)
def leaves_the_square_out(generated, content, eps=1e-8):
    _refuse_sizes(generated, content)
    g, c = (torch.log(_laplacian(x).flatten(1).var(1, correction=0) + eps) for x in (generated, content))
    return (g - c).mean()


@sharpness_gap.misconception(
    "You took one variance over the whole batch; each image has a sharpness of its own."
)
def one_variance_for_all(generated, content, eps=1e-8):
    return _gap(generated, content, eps, lambda x: _laplacian(x).var(correction=0))


@sharpness_gap.misconception(
    "You dropped the border pixels; reflect, so that the Laplacian has the size of the image."
)
def drops_the_border(generated, content, eps=1e-8):
    def inside(x):
        gray = x.mean(1, keepdim=True)
        if min(gray.shape[2:]) < 3:
            return gray.flatten(1).sum(1) * 0
        return functional.conv2d(gray, FOUR.to(x)[None, None]).flatten(1).var(1, correction=0)

    return _gap(generated, content, eps, inside)


@sharpness_gap.misconception(
    "You took the Laplacian of each channel and mixed afterwards; average the channels to gray first."
)
def sharpens_each_channel(generated, content, eps=1e-8):
    def coloured(x):
        planes = [_laplacian(x[:, c : c + 1]).flatten(1).var(1, correction=0) for c in range(x.shape[1])]
        return torch.stack(planes).mean(0)

    return _gap(generated, content, eps, coloured)


@sharpness_gap.misconception("You cut the gradient; stay with tensors and do not detach the generated image.")
def detaches_the_image(generated, content, eps=1e-8):
    return _gap(generated.detach(), content, eps)


@sharpness_gap.accepts
def by_shifted_copies(generated, content, eps=1e-8):
    _refuse_sizes(generated, content)

    def measure(image):
        gray = image.mean(dim=1)
        x = functional.pad(gray[:, None], (1, 1, 1, 1), "reflect")[:, 0]
        lap = x[:, 2:, 1:-1] + x[:, :-2, 1:-1] + x[:, 1:-1, 2:] + x[:, 1:-1, :-2] - 4 * gray
        return (lap - lap.mean((1, 2), keepdim=True)).pow(2).mean((1, 2))

    return torch.log((measure(generated) + eps) / (measure(content) + eps)).pow(2).mean()


@sharpness_gap.accepts
def image_by_image(generated, content, eps=1e-8):
    _refuse_sizes(generated, content)
    logs = [
        [torch.log(_laplacian(x[None])[0].var(unbiased=False) + eps) for x in batch]
        for batch in (generated, content)
    ]
    return torch.stack([(a - b) ** 2 for a, b in zip(*logs, strict=True)]).mean()


@sharpness_gap.accepts
def by_the_sample_variance(generated, content, eps=1e-8):
    return _gap(generated, content, eps, lambda x: _laplacian(x).flatten(1).var(1))


# --- 10.3 -----------------------------------------------------------------------------------------

prose_blur_minimizer = exercise(
    "prose_blur_minimizer",
    reference="nstkit.theory:prose_blur_minimizer",
    level="hard",
    minutes=30,
    hints=[
        "A circular convolution multiplies each frequency by one number, so each frequency is a problem of its own.",
        "b is the DFT of an (H, W) field of zeros that holds the kernel, rolled so that its centre lies at [0, 0].",
        "Minimise |b ĝ − ĉ|² + λ|ĝ − ĉ|² for one complex number ĝ: the derivative by its conjugate must vanish.",
    ],
)


def _skewed(draw, rows=3, columns=5):
    """A kernel without any symmetry, of sum 1."""
    kernel = draw.rng.uniform(0, 1, size=(rows, columns)) ** 3
    return draw.watch(kernel / kernel.sum(), "kernel")


def _wrapped(image, kernel):
    """The circular convolution, written out."""
    rows, columns = kernel.shape
    total = np.zeros_like(image)
    for (y, x), weight in np.ndenumerate(kernel):
        total += weight * np.roll(image, (y - rows // 2, x - columns // 2), axis=(0, 1))
    return total


@prose_blur_minimizer.check(points=3)
def a_skewed_kernel(answer, draw):
    """A kernel without symmetry, on an image of even and of odd width."""
    return {
        "even": answer(draw.array(12, 10), _skewed(draw), 0.1),
        "odd": answer(draw.array(9, 13), _skewed(draw, 5, 3), 0.02),
    }


@prose_blur_minimizer.check(points=1)
def kernels_of_one_shape(answer, draw):
    """Two kernels of one shape, one as large as the image, and one of a single weight."""
    content = draw.array(7, 9)
    return [
        answer(content, kernel, 0.3)
        for kernel in (_skewed(draw), _skewed(draw), _skewed(draw, 7, 9), _skewed(draw, 1, 1))
    ]


@prose_blur_minimizer.check(points=1)
def how_strong_lambda_is(answer, draw):
    """Small, medium and large λ; a very large one gives the content back."""
    content, kernel = draw.array(8, 11), _skewed(draw, 3, 3)
    return {f"λ = {lam:g}": answer(content, kernel, lam) for lam in (0.05, 1.0, 20.0, 1e9)}


@prose_blur_minimizer.check(points=1, atol=1e-6)
def the_gradient_vanishes(answer, draw):
    """At the result the derivative of the objective is zero, worked out by rolling the image."""
    content, kernel, lam = draw.array(10, 7), _skewed(draw), 0.2
    g = answer(content, kernel, lam)
    back = _wrapped(_wrapped(g, kernel) - content, kernel[::-1, ::-1])
    return back + lam * (g - content)


@prose_blur_minimizer.check(points=1)
def real_and_float64(answer, draw):
    """The result is real and float64 for float32, for whole numbers, and for strided images."""
    return {
        "float32": answer(draw.array(8, 6, dtype=np.float32), _skewed(draw, 3, 3), 0.5).dtype.name,
        "whole numbers": answer(draw.pixels(9, 8), _skewed(draw, 3, 3), 0.5),
        "strided": answer(draw.array(6, 9, strided=True), _skewed(draw, 3, 5), 0.5),
    }


@prose_blur_minimizer.check(points=1)
def what_has_no_minimiser_is_refused(answer, draw):
    """ValueError for λ that is not positive, even sides, and a kernel larger than the image."""
    content = draw.array(8, 6)
    return {
        "λ = 0": outcome(answer, content, _skewed(draw), 0.0),
        "λ = -1": outcome(answer, content, _skewed(draw), -1.0),
        "an even side": outcome(answer, content, _skewed(draw, 3, 4), 0.1),
        "wider than the image": outcome(answer, content, _skewed(draw, 3, 7), 0.1),
    }


def _refuse_blur(content, kernel, lam):
    if lam <= 0 or any(k % 2 == 0 or k > n for k, n in zip(kernel.shape, content.shape, strict=True)):
        raise ValueError("kernel, lam")


def _spectrum(kernel, shape, centred=True):
    field = np.zeros(shape)
    field[: kernel.shape[0], : kernel.shape[1]] = kernel
    if centred:
        field = np.roll(field, [-(k // 2) for k in kernel.shape], (0, 1))
    return np.fft.fft2(field)


def _solved(content, kernel, lam, gain, centred=True):
    _refuse_blur(content, kernel, lam)
    b = _spectrum(kernel, content.shape, centred)
    return np.fft.ifft2(gain(b) * np.fft.fft2(content.astype(float))).real


@prose_blur_minimizer.misconception(
    "You left the kernel in the corner, which shifts the image; roll its centre to [0, 0] before the DFT."
)
def leaves_the_kernel_in_the_corner(content, kernel, lam):
    return _solved(content, kernel, lam, lambda b: (b.conj() + lam) / (abs(b) ** 2 + lam), centred=False)


@prose_blur_minimizer.misconception(
    "You left the conjugate out; the adjoint of a convolution is a correlation, so the numerator has conj(b)."
)
def leaves_the_conjugate_out(content, kernel, lam):
    return _solved(content, kernel, lam, lambda b: (b + lam) / (abs(b) ** 2 + lam))


@prose_blur_minimizer.misconception(
    "You left λ out of the numerator, which pulls towards 0; the second term pulls towards c: conj(b) + λ."
)
def pulls_towards_zero(content, kernel, lam):
    return _solved(content, kernel, lam, lambda b: b.conj() / (abs(b) ** 2 + lam))


@prose_blur_minimizer.misconception(
    "You divided by b alone, under which weak frequencies explode; keep the λ of both terms."
)
def divides_by_the_spectrum(content, kernel, lam):
    return _solved(content, kernel, lam, lambda b: 1 / b)


@prose_blur_minimizer.misconception(
    "You returned the blurred content; that is B(c), and what is asked for is the g for which B(g) is near c."
)
def blurs_the_content(content, kernel, lam):
    return _solved(content, kernel, lam, lambda b: b)


@prose_blur_minimizer.misconception(
    "You squared b in place of taking |b|²; b is complex, and |b|² is b times its conjugate."
)
def squares_a_complex_number(content, kernel, lam):
    return _solved(content, kernel, lam, lambda b: (b.conj() + lam) / (b**2 + lam))


@prose_blur_minimizer.misconception(
    "You centred the kernel in the middle of the image, which shifts the result by half the image; its centre "
    "belongs at [0, 0]."
)
def centres_in_the_middle(content, kernel, lam):
    def gain(b):
        height, width = content.shape
        y, x = np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None]
        moved = b * np.exp(-2j * np.pi * (y * (height // 2) + x * (width // 2)))
        return (moved.conj() + lam) / (abs(moved) ** 2 + lam)

    return _solved(content, kernel, lam, gain)


@prose_blur_minimizer.accepts
def by_the_full_transform(content, kernel, lam):
    return _solved(content, kernel, lam, lambda b: (np.conj(b) + lam) / (np.abs(b) ** 2 + lam))


@prose_blur_minimizer.accepts
def by_conjugate_gradients(content, kernel, lam):
    _refuse_blur(content, kernel, lam)
    content = content.astype(np.float64)
    turned = kernel[::-1, ::-1]

    def normal(g):
        return _wrapped(_wrapped(g, kernel), turned) + lam * g

    g = content.copy()
    residual = _wrapped(content, turned) + lam * content - normal(g)
    step, size = residual.copy(), (residual**2).sum()
    for _ in range(2 * content.size):
        if size < 1e-26:
            break
        image = normal(step)
        length = size / (step * image).sum()
        g, residual = g + length * step, residual - length * image
        size, before = (residual**2).sum(), size
        step = residual + size / before * step
    return g


@prose_blur_minimizer.accepts
def by_torch(content, kernel, lam):
    _refuse_blur(content, kernel, lam)
    field = torch.zeros(content.shape, dtype=torch.float64)
    rows, columns = kernel.shape
    for y in range(rows):
        for x in range(columns):
            field[y - rows // 2, x - columns // 2] += float(kernel[y, x])
    b = torch.fft.rfft2(field)
    c = torch.fft.rfft2(torch.from_numpy(content.astype(np.float64)))
    return torch.fft.irfft2(c * (b.conj() + lam) / (b.abs() ** 2 + lam), s=content.shape).numpy()
