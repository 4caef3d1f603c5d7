# %% [markdown]
# # 05 The optimisation objective / 优化目标
#
# **After this lesson** you can write the whole objective with its variable, say what of α and β matters and to whom,
# solve a toy version exactly, and draw the curve on which a style weight is a point.
#
# About 30 minutes, and 65 for the exercises. Read 03 and 04 for the two terms.

# %% [markdown] interview="question"

# %% tags=["setup"]
import numpy as np
import torch

# %%
import matplotlib.pyplot as plt

from nstkit.encoders import load_encoder
from nstkit.grading import check
from nstkit.images import photograph
from nstkit.losses import nst_objective as library_objective
from nstkit.paintings import paint
from nstkit.theory import linear_objective_minimizer as library_minimizer
from nstkit.transfer import precompute_targets, run_transfer

torch.set_num_threads(2)
style_layers = ["relu1_1", "relu2_1", "relu3_1"]
encoder = load_encoder("tiny").cut(style_layers)

# %% [markdown]
# ## Two recipes, one picture?
#
# One paper says α = 1, β = 1000. Another, for the same layers and the same network, says α = 0.001, β = 1. Are these
# two recipes or one? The second objective is the first divided by a thousand, so they have the *same minimisers*. Let
# us run both, from the same image, with three ways of going downhill, and compare the pictures.
#
# **Before you run it:** for which of the three will the two recipes give different pictures: plain gradient descent,
# Adam, L-BFGS?

# %%
content = photograph("chelsea", size=192)[..., 10:106, 20:164]  # (1, 3, 96, 144)
style = paint("stained_glass", 96, 144)
targets = precompute_targets(encoder, content, style, ["relu3_1"], style_layers)


def descend(alpha, beta, make, steps=40):
    """The image after `steps` steps of the optimiser that `make` builds."""
    image = content.clone().requires_grad_()
    optimizer = make(image)

    def closure():
        optimizer.zero_grad()
        total, _ = library_objective(image, encoder, targets, alpha, beta)
        total.backward()
        return total

    for _ in range(steps):
        optimizer.step(closure)
    return image.detach()


makers = {
    "gradient descent": lambda x: torch.optim.SGD([x], lr=0.1),
    "Adam": lambda x: torch.optim.Adam([x], lr=0.02),
    "L-BFGS": lambda x: torch.optim.LBFGS([x], lr=1, max_iter=1, tolerance_grad=0, tolerance_change=0),
}
for name, make in makers.items():
    one, other = descend(1.0, 1000.0, make), descend(0.001, 1.0, make)
    first, second, apart = ((a - b).abs().mean() for a, b in ((one, content), (other, content), (one, other)))
    print(
        f"{name:>16}: pixels moved {first:.3f} and {second:.3f} on average; the results differ by {apart:.3f}"
    )

# %% [markdown]
# Plain gradient descent takes steps of size *learning rate × gradient*, so a thousandth of the gradient is a thousandth
# of the step: the second recipe has hardly started. Adam divides each step by the running size of the gradient, and the
# factor cancels, up to the small ε in its denominator. L-BFGS rescales itself from its second step on by the curvature
# that it has seen, and torch's version caps the first step at $g / \lVert g \rVert_1$, so here not even that one knows
# the difference. The hundredth that is left between its two results began as rounding in the last bits and grew from
# step to step: where a problem is not convex, neighbouring paths may part. More of that below.
#
# So the honest answer to "what do α and β mean?" has two parts. **Their ratio decides which image is best. Their common
# size decides, for some optimisers, how fast you get there.** Nothing asks for α + β = 1.

# %% [markdown]
# ## The objective, with nothing left out
#
# $$x^\ast = \operatorname*{argmin}_{x}\; \alpha \sum_{l \in \mathcal C} \frac{1}{C_l H_l W_l}\bigl\lVert F_l(x) - P_l
# \bigr\rVert^2 \;+\; \beta \sum_{l \in \mathcal S} w_l \bigl\lVert G_l(x) - A_l \bigr\rVert_F^2$$
#
# In words: over all images $x$, find the one whose features at the content layers are near the photograph's ($P_l$)
# and whose Gram matrices at the style layers are near the painting's ($A_l$, divided by $CHW$ here). The variable
# stands *under* the argmin, and leaving it out is the commonest gap in an interview answer: it is the **pixels**. For
# a feed-forward network (Johnson et al. 2016) the same sum stands inside an expectation over photographs, and the
# variable becomes the network's weights.
#
# ### Exercise 5.1: the objective and an honest report
#
# Besides the total you will want to see the terms, and to see them *raw*. Weighted terms change when you turn a weight,
# even if the picture does not; raw ones let you compare yesterday's run with today's.


# %% answer="nst_objective"
def nst_objective(
    image: torch.Tensor,
    encoder,
    targets,
    content_weight: float,
    style_weight: float,
    layer_weights=None,
) -> tuple[torch.Tensor, dict[str, float]]:
    """The weighted total of content and style loss, and the raw terms.

    L_c = Σ_l mean((F_l - P_l)²) over the content layers; L_s = Σ_l w_l ‖G_l - A_l‖_F² over the style layers, with
    G = F Fᵀ / (C·H·W), summed over C × C and averaged over the batch; total = content_weight L_c + style_weight L_s.

    Args:
        image: (B, 3, H, W).
        encoder: a callable from an image to a dict of features by layer; called exactly once.
        targets: {"content": {layer: features}, "style": {layer: Gram matrices}}.
        content_weight, style_weight: at least 0, not both 0; not normalised.
        layer_weights: w by style layer; None is 1 / (number of style layers) for each.
    Returns:
        total: 0-d tensor, differentiable down to the pixels.
        report: floats "total", "content" (L_c), "style" (L_s), and "style/<layer>" (without w).
    Raises:
        ValueError: a negative weight, or both 0.
        KeyError: a layer that the encoder or `layer_weights` lacks.
    """
    ### BEGIN SOLUTION
    if content_weight < 0 or style_weight < 0 or content_weight == style_weight == 0:
        raise ValueError("content_weight, style_weight: expected numbers of at least 0, not both 0")

    def gram(features):
        rows = features.flatten(2)  # (B, C, HW)
        return rows @ rows.mT / rows[0].numel()  # (B, C, C)

    features, style_targets = encoder(image), targets["style"]
    weights = layer_weights or dict.fromkeys(style_targets, 1 / max(1, len(style_targets)))
    content = sum((features[k] - p).square().mean() for k, p in targets["content"].items())
    terms = {k: (gram(features[k]) - a).square().sum((1, 2)).mean() for k, a in style_targets.items()}
    style = sum(weights[k] * term for k, term in terms.items())
    total = content_weight * content + style_weight * style
    report = {"total": float(total), "content": float(content), "style": float(style)}
    return total, report | {f"style/{k}": float(term) for k, term in terms.items()}
    ### END SOLUTION


# %% check="nst_objective"

# %% [markdown]
# ## A problem small enough to solve
#
# "Finds a balanced image" sounds as if the answer were an average of the photograph's best image and the painting's.
# Make the features linear and you can see that it is not. Two pixels $x = (x_1, x_2)$; content wants $Ax = p$, style
# wants $Bx = q$:
#
# $$\min_x\; \alpha \lVert Ax - p\rVert^2 + \beta \lVert Bx - q \rVert^2
# \quad\Longrightarrow\quad (\alpha A^\top\! A + \beta B^\top\! B)\,x = \alpha A^\top p + \beta B^\top q .$$
#
# By hand, in one dimension: $A = 3$, $p = 3$ (content's best is $x = 1$), $B = 1$, $q = 5$ (style's best is $x = 5$),
# α = β = 1. The average of the two is 3. The minimiser is $(9 + 5)/(9 + 1) = 1.4$. The steeper term pulls harder.
# Equal weights are not equal influence: that is why a content weight of 1 and a style weight of 1 mean nothing by
# themselves.
#
# ### Exercise 5.2: the exact compromise


# %% answer="linear_objective_minimizer"
def linear_objective_minimizer(
    A: np.ndarray, p: np.ndarray, B: np.ndarray, q: np.ndarray, alpha: float, beta: float
) -> np.ndarray:
    """The x of least norm that minimises alpha ‖Ax - p‖² + beta ‖Bx - q‖².

    Args:
        A, p: (m, n) and (m,), the content rows.
        B, q: (k, n) and (k,), the style rows.
        alpha, beta: at least 0, not both 0.
    Returns:
        (n,) float64.
    Raises:
        ValueError: shapes that do not match, a negative weight, or both 0.
    """
    ### BEGIN SOLUTION
    if A.shape[1] != B.shape[1] or p.shape != A.shape[:1] or q.shape != B.shape[:1]:
        raise ValueError(
            f"expected (m, n), (m,), (k, n), (k,), got {A.shape}, {p.shape}, {B.shape}, {q.shape}"
        )
    if alpha < 0 or beta < 0 or alpha == beta == 0:
        raise ValueError(f"alpha, beta: expected numbers of at least 0, not both 0, got {alpha}, {beta}")
    rows = np.vstack([np.sqrt(alpha) * A, np.sqrt(beta) * B])  # (m + k, n)
    goals = np.concatenate([np.sqrt(alpha) * p, np.sqrt(beta) * q])
    return np.linalg.lstsq(rows, goals, rcond=None)[0]
    ### END SOLUTION


# %% check="linear_objective_minimizer"

# %%
A, p = np.array([[2.0, 0.4], [0.0, 0.5]]), np.array([0.6, 0.35])
B, q = np.array([[0.4, -0.3], [0.9, 2.2]]), np.array([0.35, 1.0])
ratios = np.geomspace(1e-4, 1e4, 120)
path = np.array([library_minimizer(A, p, B, q, 1.0, r) for r in ratios])
x, y = np.meshgrid(np.linspace(-0.2, 1.5, 200), np.linspace(-0.5, 1.0, 200))
points = np.stack([x, y], -1)

figure, axis = plt.subplots(figsize=(6.4, 4.4))
for matrix, goal, color in ((A, p, "#0072B2"), (B, q, "#D55E00")):
    level = ((points @ matrix.T - goal) ** 2).sum(-1)
    axis.contour(x, y, level, levels=np.geomspace(0.01, 3, 8), colors=color, linewidths=0.8)
axis.plot(*path.T, color="black", linewidth=2.2, label="minimisers, β/α from 0 to ∞")
axis.plot(*path[[0, -1]].T, ":", color="black", label="the straight line between them")
axis.plot(*path[0], "o", color="#0072B2", label="best for content")
axis.plot(*path[-1], "s", color="#D55E00", label="best for style")
axis.set_xlabel("pixel 1")
axis.set_ylabel("pixel 2")
axis.set_title("The compromise runs along a curve, not along the chord")
axis.legend(fontsize=8)
plt.show()

# %% [markdown]
# *Two families of ellipses around two points, and the path of minimisers between them: it bows away from the chord.*
#
# The path leaves the first optimum in the direction that gains the most style for each bit of content lost, and that is
# seldom the straight way to the second.
#
# The real problem is not even of this kind. Its features are non-linear, and the Gram matrix is *quadratic* in the
# features: with linear features the style term is a polynomial of degree four, and $x$ and $-x$ have the same Gram
# matrix. So it is **not convex**, "both terms are squared norms" notwithstanding, and where you start decides where you
# end.
#
# <details><summary>Ask yourself: can both terms be zero at once?</summary>
#
# Content loss zero pins the deep features to the photograph's, which nearly fixes the picture and with it the shallow
# statistics; style loss zero asks for other statistics. Only a photograph that already has the style satisfies both.
#
# </details>

# %% [markdown]
# ## A weight is a point on a curve
#
# There is no best β/α, there is a curve of pictures none of which is better in both terms. To draw it, run the
# optimisation for a series of ratios. The traps are all of one kind, something that leaks from one run into the next:
# the image, the optimiser's momentum, or the weight itself in what you report.
#
# ### Exercise 5.3: the trade-off curve


# %% answer="trade_off_curve"
def trade_off_curve(
    content_fn, style_fn, init: torch.Tensor, ratios, steps: int = 40, lr: float = 0.02
) -> list[tuple[float, float]]:
    """Raw (content, style) of the image found for each ratio β/α.

    For each ratio r, minimise content_fn(x) + r · style_fn(x) from a fresh copy of `init` with a fresh Adam, clamping
    to [0, 1] after each step; then evaluate both terms at the final image.

    Args:
        content_fn, style_fn: from an image to a 0-d tensor.
        init: the starting image, any shape; not modified.
        ratios: positive numbers.
    Returns:
        Pairs of Python floats, in the order of `ratios`.
    Raises:
        ValueError: no ratios, or one that is not positive.
    """
    ### BEGIN SOLUTION
    if len(ratios) == 0 or min(ratios) <= 0:
        raise ValueError(f"ratios: expected positive numbers, got {list(ratios)}")
    curve = []
    for ratio in ratios:
        image = init.detach().clone().requires_grad_()
        optimizer = torch.optim.Adam([image], lr=lr)
        for _ in range(steps):
            optimizer.zero_grad()
            (content_fn(image) + ratio * style_fn(image)).backward()
            optimizer.step()
            with torch.no_grad():
                image.clamp_(0, 1)
        with torch.no_grad():
            curve.append((content_fn(image).item(), style_fn(image).item()))
    return curve
    ### END SOLUTION


# %% check="trade_off_curve"


# %%
ratios, pictures, curve = [0.1, 1, 10, 100, 1000], [], []
for ratio in ratios:  # each from the photograph, with an Adam of its own
    picture, _ = run_transfer(
        lambda x, ratio=ratio: library_objective(x, encoder, targets, 1.0, ratio)[0], content, 60, lr=0.02
    )
    with torch.no_grad():
        report = library_objective(picture, encoder, targets, 1.0, ratio)[1]
    pictures.append(picture)
    curve.append((report["content"], report["style"]))

figure = plt.figure(figsize=(11, 5.6), layout="constrained")
grid = figure.add_gridspec(2, 5, height_ratios=(2, 1))
axis = figure.add_subplot(grid[0, :])
axis.margins(0.08)
axis.plot(*zip(*curve), "o-", color="#0072B2")
for ratio, (c, s), place in zip(ratios, curve, [(8, -4), (6, 6), (0, 9), (-30, 9), (-20, -15)]):
    axis.annotate(f"β/α = {ratio:g}", (c, s), textcoords="offset points", xytext=place, fontsize=9)
axis.set_xlabel("content loss (raw)")
axis.set_ylabel("style loss (raw)")
axis.set_title("More style costs content, and ever less is gained")
for number, (ratio, picture) in enumerate(zip(ratios, pictures)):
    panel = figure.add_subplot(grid[1, number])
    panel.imshow(picture[0].permute(1, 2, 0))
    panel.set_title(f"β/α = {ratio:g}", fontsize=10)
    panel.axis("off")
plt.show()
for ratio, (c, s) in zip(ratios, curve):
    print(f"β/α = {ratio:>6g}: content {c:.3f}, style {s:.4f}")

# %% [markdown]
# *A falling curve in the shape of an L with five marked ratios, and five pictures below it: a cat nearly as
# photographed; with single dark strokes and odd flecks; with leads and panes all over; twice more of the same, a little
# more broken up.*
#
# Read it from the left. From β/α = 0.1 to 1 the style loss falls by nearly three quarters and content pays 0.17. From
# 100 to 1000 content pays 0.063 and the style loss falls by 0.0001. Many would choose a picture near the corner. Where
# exactly is taste, and no loss decides it: totals of different ratios are not comparable, since they measure with
# different rulers.
#
# <details><summary>Ask yourself: the total is lower today than yesterday, and you had halved β. Better?</summary>
#
# Unknown. You changed the ruler. Compare the raw terms, or look at the pictures.
#
# </details>

# %% [markdown] interview="answer"

# %% [markdown]
# ## References
#
# - L. A. Gatys, A. S. Ecker, M. Bethge, *Image Style Transfer Using Convolutional Neural Networks*, CVPR 2016, Eq. 7.
# - J. Johnson, A. Alahi, L. Fei-Fei, *Perceptual Losses for Real-Time Style Transfer and Super-Resolution*, ECCV 2016,
#   arXiv:1603.08155, Eq. 1.
#
# **Next:** lesson 11 chooses the weights, 12 adds terms, 13 races the optimisers, 15 replaces the terms by others.
