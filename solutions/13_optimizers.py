# %% [markdown]
# # 13 Optimisers / 优化算法
#
# **After this lesson** you can write Adam and the two loops of L-BFGS, search for a step length, drive
# torch's L-BFGS without its classic mistakes, and say which optimiser you would take, for what, and why.
#
# About 40 minutes, and 105 for the exercises. Read 05 for the objective; 12 for weight decay.

# %% [markdown] interview="question"

# %% tags=["setup"]
import numpy as np
import torch

# %%
import matplotlib.pyplot as plt

from nstkit.encoders import load_encoder
from nstkit.grading import check
from nstkit.images import photograph
from nstkit.losses import nst_objective
from nstkit.paintings import paint
from nstkit.theory import adam_step as library_adam
from nstkit.theory import armijo_line_search as library_search
from nstkit.theory import lbfgs_direction as library_direction
from nstkit.transfer import minimize_lbfgs as library_lbfgs
from nstkit.transfer import precompute_targets

torch.set_num_threads(1)  # the tensors here are so small that a second thread only waits
encoder = load_encoder("tiny")

# %% [markdown]
# ## Place your bets
#
# One photograph, one painting, one objective, the same start. Every runner may look at the objective and its gradient
# 60 times. At the start line: plain gradient descent with the best rate of four that we tried; Adam with its rate at
# 0.01; Adam at 0.1, the best of five that we tried; and L-BFGS, which has no rate to try.
#
# **Write down the order of arrival before you run the cell.** And write down what you would say if somebody asked why.

# %%
content = photograph("coffee", size=96)[..., :64, :96]  # (1, 3, 64, 96)
style = paint("swirls", 64, 96)
targets = precompute_targets(encoder, content, style, ["relu3_1"], ["relu1_1", "relu2_1", "relu3_1"])
scale = float(nst_objective(content, encoder, targets, 1.0, 1000.0)[0])


def objective(image):
    """The transfer's objective, 1 at the content image."""
    return nst_objective(image, encoder, targets, 1.0, 1000.0)[0] / scale


def race(make, evaluations=60):
    """The objective at each evaluation of a first-order optimiser."""
    image, history = content.clone().requires_grad_(), []
    optimizer = make(image)
    for _ in range(evaluations):
        optimizer.zero_grad()
        loss = objective(image)
        loss.backward()
        history.append(loss.item())
        optimizer.step()
    return history


histories = {
    "gradient descent, rate 30": race(lambda x: torch.optim.SGD([x], lr=30)),
    "Adam, rate 0.01": race(lambda x: torch.optim.Adam([x], lr=0.01)),
    "Adam, rate 0.1": race(lambda x: torch.optim.Adam([x], lr=0.1)),
    "L-BFGS": library_lbfgs(objective, content, max_iter=54)[1][:60],
}
looks = {"gradient descent, rate 30": (":", "#000000"), "Adam, rate 0.01": ("--", "#E69F00")}
looks |= {"Adam, rate 0.1": ("-", "#E69F00"), "L-BFGS": ("-", "#0072B2")}
figure, axis = plt.subplots(figsize=(8, 3.6))
for name, history in histories.items():
    line, color = looks[name]
    axis.semilogy(np.minimum.accumulate(history), line, color=color, label=name)
    print(f"{name:>26}: lowest after {len(history)} evaluations {min(history):.4f}")
axis.set_xlabel("evaluations of objective and gradient")
axis.set_ylabel("lowest objective so far (start = 1)")
axis.set_title("One image: a tuned Adam and an untuned L-BFGS arrive together")
axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
figure.tight_layout()
plt.show()

# %% [markdown]
# *Four falling curves on a logarithmic axis. Gradient descent and the slow Adam end together, high up; the fast Adam
# and L-BFGS end together, more than twenty times lower.*
#
# Most people bet on one name. The picture says that the name is half of the answer: between Adam and Adam lies a factor
# of twenty, by the rate alone. The well-tuned Adam is even ahead at first, while L-BFGS takes a cautious first step and
# has no curvature yet. From there on the two run level, and L-BFGS ends a little lower. Its real advantage on one image
# is that it needed **no tuning**: it found out the scale of the problem by itself. (On stiffer objectives it also gets
# far lower; exercise 13.3 has one.)
#
# What is being moved here? The **pixels**. The axis counts *evaluations*, not steps: one step of L-BFGS may look more
# than once, and a comparison by steps flatters it.

# %% [markdown]
# ## Adam, by hand
#
# "Gradient descent with momentum" is half of it. Adam (Kingma and Ba, 2015) keeps **two** running averages: of the
# gradient, $m$, and of its square, $v$.
#
# $$ m \leftarrow \beta_1 m + (1-\beta_1)\, g, \qquad v \leftarrow \beta_2 v + (1-\beta_2)\, g^2, \qquad
# \hat m = \frac{m}{1-\beta_1^t},\quad \hat v = \frac{v}{1-\beta_2^t}, \qquad
# \theta \leftarrow \theta - \eta\, \frac{\hat m}{\sqrt{\hat v} + \varepsilon} $$
#
# By hand, one number, the first step, $g = 4$: $m = 0.1 \cdot 4 = 0.4$ and $v = 0.001 \cdot 16 = 0.016$. Both are far
# too small, because they started at 0. Divide by $1 - 0.9$ and $1 - 0.999$: $\hat m = 4$, $\hat v = 16$, and the step
# is $\eta \cdot 4/4 = \eta$. Had the gradient been $0.0004$, the step would also be $\eta$. **The size of the gradient
# cancels**; that is why a factor in front of the loss does not matter to Adam, and why each pixel moves by about the
# rate.
#
# <details><summary>Ask yourself: what would the first step be without the correction?</summary>
#
# $0.4 / \sqrt{0.016} = 3.16$ times $\eta$: three times too long, because $v$ is even further from its value than $m$.
#
# </details>
#
# Weight decay can enter in two places (lesson 12). Added to $g$ it is divided by $\sqrt{\hat v}$ like everything else.
# *Decoupled*, it shrinks θ directly: $\theta \leftarrow (1 - \eta\lambda)\,\theta$. The second is AdamW (Loshchilov and
# Hutter, 2019).
#
# ### Exercise 13.1: one step of Adam


# %% answer="adam_step"
def adam_step(
    theta: np.ndarray,
    grad: np.ndarray,
    state: dict | None,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    decoupled: bool = False,
) -> tuple[np.ndarray, dict]:
    """One step of Adam; nothing is changed in place.

    Args:
        theta, grad: of one shape; theta's dtype is kept.
        state: what the last step returned, None at first; its keys are up to you. t is 1 in the first step.
        weight_decay: coupled: g + wd·θ takes the place of g. decoupled: θ becomes (1 - lr·wd)·θ first.
    Returns:
        The new θ and the new state.
    Raises:
        ValueError: the shapes differ, lr < 0, or a beta outside [0, 1).
    """
    ### BEGIN SOLUTION
    if theta.shape != grad.shape:
        raise ValueError(f"grad: expected {theta.shape}, got {grad.shape}")
    if lr < 0 or min(betas) < 0 or max(betas) >= 1:
        raise ValueError(f"lr, betas: expected at least 0 and in [0, 1), got {lr}, {betas}")
    m, v, t = state["mvt"] if state is not None else (np.zeros_like(grad), np.zeros_like(grad), 0)
    if decoupled:
        theta = (1 - lr * weight_decay) * theta
    else:
        grad = grad + weight_decay * theta
    t = t + 1
    m = betas[0] * m + (1 - betas[0]) * grad
    v = betas[1] * v + (1 - betas[1]) * grad**2
    m_hat, v_hat = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
    return theta - lr * m_hat / (np.sqrt(v_hat) + eps), {"mvt": (m, v, t)}
    ### END SOLUTION


# %% check="adam_step"

# %% [markdown]
# ## Why the others zig-zag
#
# Make the problem so small that one can watch. A bowl, thirty times steeper across than along:
# $f(x, y) = \tfrac12 (x^2 + 30 y^2)$. The gradient points across the valley nearly everywhere; what one wants is to go
# along it.


# %%
def bowl(p):
    return 0.5 * (p[0] ** 2 + 30 * p[1] ** 2)


def path(make, steps=16):
    p = torch.tensor([-4.0, 1.0], requires_grad=True)
    optimizer, points = make(p), [p.tolist()]

    def closure():
        optimizer.zero_grad()
        loss = bowl(p)
        loss.backward()
        return loss

    for _ in range(steps):
        optimizer.step(closure)
        points.append(p.tolist())
    return np.array(points)


walkers = {
    "Gradient descent zig-zags": lambda p: torch.optim.SGD([p], lr=0.06),
    "Adam takes steps of one size": lambda p: torch.optim.Adam([p], lr=0.3),
    "L-BFGS learns the shape": lambda p: torch.optim.LBFGS(
        [p], lr=1, max_iter=1, line_search_fn="strong_wolfe", tolerance_change=0
    ),
}
x, y = np.meshgrid(np.linspace(-4.5, 1.5, 90), np.linspace(-1.2, 1.3, 60))
figure, axes = plt.subplots(1, 3, figsize=(13, 3), sharey=True)
for axis, (title, make) in zip(axes, walkers.items()):
    points = path(make)
    axis.contour(x, y, bowl((x, y)), levels=np.geomspace(0.1, 25, 9), colors="#BBBBBB", linewidths=0.8)
    axis.plot(points[:, 0], points[:, 1], "o-", color="#0072B2", ms=4, lw=1.2)
    axis.plot(0, 0, "*", color="#D55E00", ms=13)
    axis.set_title(title)
    axis.set_xlabel("x")
    near = int(np.argmax(bowl(points.T) < 0.01)) if (bowl(points.T) < 0.01).any() else None
    print(
        f"{title}: "
        + (f"within 0.01 after {near} steps" if near else f"after 16 steps at {bowl(points[-1]):.3f}")
    )
axes[0].set_ylabel("y")
figure.tight_layout()
plt.show()

# %% [markdown]
# *Three contour plots of a long flat valley with a star at the bottom. Left a saw-tooth that creeps towards the star;
# middle a smooth curve that swings below the axis; right a few steps to the star.*
#
# A rate that is short enough for the steep axis is far too short for the flat one. Newton's answer is to divide by the
# curvature, each direction by its own: $d = -H g$ with $H$ the inverse of the Hessian. For an image of 512 × 512 pixels
# that matrix has $6 \cdot 10^{11}$ entries. Nobody computes it, and L-BFGS does not either.
#
# What it does: after each move it notes $s = x_\text{new} - x_\text{old}$ and how the gradient turned, $y =
# g_\text{new} - g_\text{old}$. The pair is a measurement of curvature: a step $s$ has changed the slope by $y$. In one
# dimension $s/y$ *is* the inverse of the second derivative. By hand: from $x = 1$ to $x = 1.5$ the slope rises from 4
# to 6, so $s = 0.5$, $y = 2$, the curvature is 4, and at slope 6 the best step is $-6 \cdot 0.5/2 = -1.5$, which lands
# at the minimum, 0.
#
# With several pairs, $H$ takes the newest $y$ exactly to its $s$, and the older ones nearly. Nocedal
# (1980) applies it to a vector without writing it down:
#
# $$\begin{aligned}
# &q = g;\quad \text{newest to oldest: } \alpha_i = \rho_i\, s_i^\top q,\quad q \leftarrow q - \alpha_i y_i \\
# &r = \gamma q, \quad \gamma = s^\top y / y^\top y \text{ of the newest pair} \\
# &\text{oldest to newest: } \beta_i = \rho_i\, y_i^\top r,\quad r \leftarrow r + (\alpha_i - \beta_i)\, s_i
# \qquad d = -r, \quad \rho_i = 1 / y_i^\top s_i
# \end{aligned}$$
#
# The first loop takes off what the pairs explain, the newest first; γ guesses the rest; the second loop puts the
# explained part back, as movement. Where $y^\top s \le 0$ the measurement says "no valley here", and the pair is left
# out.
#
# ### Exercise 13.2: the two loops


# %% answer="lbfgs_direction"
def lbfgs_direction(grad: np.ndarray, s_list, y_list) -> np.ndarray:
    """The L-BFGS direction -H g by the two-loop recursion.

    Args:
        grad: g, (n,).
        s_list, y_list: sequences of (n,), the oldest pair first; not changed.
    Returns:
        (n,). Pairs with yᵀs <= 1e-10 are skipped; γ is of the newest pair that is not; -g if none is left.
    Raises:
        ValueError: the two lists have unequal lengths.
    """
    ### BEGIN SOLUTION
    if len(s_list) != len(y_list):
        raise ValueError(f"s_list, y_list: expected equal lengths, got {len(s_list)}, {len(y_list)}")
    pairs = [(s, y) for s, y in zip(s_list, y_list) if y @ s > 1e-10]
    q, alphas = grad.copy(), []
    for s, y in reversed(pairs):
        alphas.append(s @ q / (y @ s))
        q = q - alphas[-1] * y
    if pairs:
        s, y = pairs[-1]
        q = q * (s @ y) / (y @ y)
    for (s, y), alpha in zip(pairs, reversed(alphas)):
        beta = y @ q / (y @ s)
        q = q + (alpha - beta) * s
    return -q
    ### END SOLUTION


# %% check="lbfgs_direction"

# %% [markdown]
# Memory: $m$ pairs are $2m$ vectors as large as the image, 20 images for $m = 10$. Adam keeps two. "Limited memory"
# means this: $m$ pairs in place of a matrix. It has nothing to do with small batches.
#
# ## How far?
#
# A direction is not yet a step. Take a step and see whether $f$ got smaller? Not enough: one can get a little smaller
# each time and never arrive. Armijo (1966) asks for a share of what the slope promises:
#
# $$ f(x + s\,d) \le f(x) + c_1\, s\, g^\top d , \qquad g^\top d < 0 . $$
#
# By hand: $f = \tfrac12 x^2$ at $x = 1$, $d = -1.9$, $c_1 = 0.1$. At $s = 1$: $x = -0.9$, $f = 0.405$, smaller than
# $0.5$. The bound is $0.5 - 0.19 = 0.31$. Refused, although $f$ fell. At $s = 0.5$: $x = 0.05$, $f = 0.001$, bound
# $0.405$. Taken.
#
# ### Exercise 13.4: backtracking


# %% answer="armijo_line_search"
def armijo_line_search(
    f,
    x: np.ndarray,
    direction: np.ndarray,
    grad: np.ndarray,
    step: float = 1.0,
    shrink: float = 0.5,
    c1: float = 1e-4,
    max_trials: int = 30,
) -> tuple[float, int]:
    """The first s in step, step·shrink, step·shrink², … with f(x + s d) <= f(x) + c1·s·gᵀd.

    Args:
        f: from an array to a float; called once at x, and once in each trial.
        x, direction, grad: (n,); not changed.
    Returns:
        s, and how many trials were rejected.
    Raises:
        ValueError: gᵀd >= 0, shrink or c1 outside (0, 1), step <= 0.
        RuntimeError: max_trials trials were rejected.
    """
    ### BEGIN SOLUTION
    slope = float(grad @ direction)
    if slope >= 0 or not 0 < shrink < 1 or not 0 < c1 < 1 or step <= 0:
        raise ValueError(f"slope {slope}, shrink {shrink}, c1 {c1}, step {step}")
    value, s = f(x), step
    for rejected in range(max_trials):
        if f(x + s * direction) <= value + c1 * s * slope:
            return s, rejected
        s *= shrink
    raise RuntimeError(f"no step in {max_trials} trials")
    ### END SOLUTION


# %% check="armijo_line_search"

# %% [markdown]
# Direction and search together are a complete optimiser, in eight lines. On the bowl, with the library's two functions:

# %%
curvature = np.array([1.0, 30.0])
position, moves, turns = np.array([-4.0, 1.0]), [], []
for step in range(1, 9):
    slope = curvature * position
    direction = library_direction(slope, moves, turns)
    length, rejected = library_search(lambda p: 0.5 * float(curvature @ p**2), position, direction, slope)
    moves.append(length * direction)
    turns.append(curvature * (position + moves[-1]) - slope)
    position = position + moves[-1]
    print(f"step {step}: {rejected} rejected, f = {0.5 * float(curvature @ position**2):.1e}")

# %% [markdown]
# (torch's search also asks that the slope has flattened enough, the *strong Wolfe* conditions; then $y^\top s > 0$ is
# guaranteed and no pair has to be skipped.)
#
# ## The closure
#
# `torch.optim.Adam.step()` uses the gradient that is there. `torch.optim.LBFGS.step(closure)` cannot: its line search
# must look at points of its own choosing. So it takes a function that evaluates the objective *where the parameter is
# now*. One `step` is a whole run, up to `max_iter` iterations. Whoever writes `for _ in range(60): opt.step(closure)`
# pays for up to 60 runs.
#
# ### Exercise 13.3: L-BFGS on an image


# %% answer="minimize_lbfgs"
def minimize_lbfgs(
    objective, init: torch.Tensor, max_iter: int = 60, history_size: int = 10
) -> tuple[torch.Tensor, list[float]]:
    """Minimise with one run of torch.optim.LBFGS (lr 1, strong Wolfe line search).

    Args:
        objective: from a tensor to a 0-d loss.
        init: where to start, any layout; not changed.
    Returns:
        The result, detached, and the objective at every evaluation, as floats; the first is at init.
    Raises:
        ValueError: max_iter < 1, or an objective that is not 0-d.
    """
    ### BEGIN SOLUTION
    if max_iter < 1:
        raise ValueError(f"max_iter: expected at least 1, got {max_iter}")
    x = init.detach().clone(memory_format=torch.contiguous_format).requires_grad_()
    optimizer = torch.optim.LBFGS(
        [x], lr=1, max_iter=max_iter, history_size=history_size, line_search_fn="strong_wolfe"
    )
    history = []

    def closure():
        optimizer.zero_grad()
        loss = objective(x)
        if loss.ndim != 0:
            raise ValueError(f"objective: expected a 0-d loss, got {tuple(loss.shape)}")
        loss.backward()
        history.append(loss.item())
        return loss

    optimizer.step(closure)
    return x.detach(), history
    ### END SOLUTION


# %% check="minimize_lbfgs"

# %% [markdown]
# ## The second heat: the same runners on moving ground
#
# Now train something. A linear model with 40 weights on 2000 rows stands for a network: left, every gradient is taken
# on all rows; right, each on another 32 of them, as in training. The curves show the loss on *all* rows.
#
# **Bet again.**

# %%
rows = torch.randn(2000, 40, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
rows = rows * torch.logspace(0, -1, 40, dtype=torch.float64)
truth = torch.randn(40, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
noise = torch.randn(2000, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
answers = rows @ truth + 0.5 * noise


def loss_on(x, chosen):
    return (rows[chosen] @ x - answers[chosen]).square().mean() / 2


everything = torch.arange(2000)
floor = float(loss_on(torch.linalg.lstsq(rows, answers[:, None]).solution[:, 0], everything))


def train(make, batch, steps=150):
    """The excess loss on all rows before each step; the step sees `batch` rows."""
    generator = torch.Generator().manual_seed(3)
    x = torch.zeros(40, dtype=torch.float64, requires_grad=True)
    optimizer, history = make(x), []
    for _ in range(steps):
        history.append(loss_on(x.detach(), everything).item() - floor)
        chosen = torch.randperm(2000, generator=generator)[:batch]

        def closure(chosen=chosen):
            optimizer.zero_grad()
            loss = loss_on(x, chosen)
            loss.backward()
            return loss

        optimizer.step(closure)
    return history


runners = {
    "gradient descent": (lambda x: torch.optim.SGD([x], lr=0.3), ":", "#000000"),
    "Adam": (lambda x: torch.optim.Adam([x], lr=0.05), "-", "#E69F00"),
    "L-BFGS": (
        lambda x: torch.optim.LBFGS([x], lr=1, max_iter=1, tolerance_grad=0, tolerance_change=0), "-", "#0072B2"
    ),
}  # fmt: skip
figure, axes = plt.subplots(1, 2, figsize=(11, 3.4), sharey=True)
for axis, batch, title in zip(axes, (2000, 32), ("All rows: L-BFGS wins by far", "32 rows: it stumbles")):
    for name, (make, line, color) in runners.items():
        history = np.maximum(train(make, batch), 1e-16)
        axis.semilogy(history, line, color=color, label=name)
        print(f"{batch:4d} rows, {name:>16}: highest {max(history):6.1f}, at the end {history[-1]:.1e}")
    axis.set_title(title)
    axis.set_xlabel("step")
axes[0].set_ylabel("loss on all rows, above the minimum")
axes[1].legend()
figure.tight_layout()
plt.show()

# %% [markdown]
# *Left: three curves down from one point; L-BFGS dives ten orders of magnitude below Adam. Right: all three
# come down together to about a hundredth; L-BFGS with spikes up to a hundred times its start.*
#
# On all rows the pairs measure curvature, and L-BFGS needs a few dozen steps for what plain descent does not reach.
# With 32 rows, $y$ is the difference of gradients of *two different functions*. Most of it is sampling noise; divided
# by a small $s$ it becomes a wrong curvature, and now and then a giant step. A line search does not help, since it
# compares values of whatever 32 rows it is given. Adam averages the noise away instead of dividing by it.
#
# So the sentence "L-BFGS is for small-batch problems", which some lists of answers have, is wrong in the strongest way:
# it is for the full batch. Gatys' method has nothing else. There is one content image, one style, one objective;
# nothing in it is stochastic once the start is chosen.
#
# ## Walls
#
# Pixels must stay in [0, 1]. Adam does not mind being clamped after every step. L-BFGS does. Forty variables, a
# quadratic whose curvatures differ by a thousand, its minimum partly outside of the box:

# %%
generator = torch.Generator().manual_seed(0)
basis, _ = torch.linalg.qr(torch.randn(40, 40, generator=generator, dtype=torch.float64))
hessian = basis @ torch.diag(torch.logspace(0, 3, 40, dtype=torch.float64)) @ basis.T
goal = torch.rand(40, generator=generator, dtype=torch.float64) * 1.6 - 0.3


def boxed(x):
    return 0.5 * (x - goal) @ hessian @ (x - goal)


def clamped(make, steps=300):
    """Clamp after every step."""
    x = torch.full((40,), 0.5, dtype=torch.float64, requires_grad=True)
    optimizer = make(x)

    def closure():
        optimizer.zero_grad()
        loss = boxed(x)
        loss.backward()
        return loss

    for _ in range(steps):
        optimizer.step(closure)
        with torch.no_grad():
            x.clamp_(0, 1)
    return x.detach()


def lbfgs(x):
    return torch.optim.LBFGS([x], lr=1, max_iter=1, tolerance_grad=0, tolerance_change=0)


half, best, h = torch.full((40,), 0.5, dtype=torch.float64), np.full(40, 0.5), hessian.numpy()
for _ in range(20000):  # projected gradient descent, slow and sure
    best = np.clip(best - h @ (best - goal.numpy()) / 1000, 0, 1)
free, _ = library_lbfgs(boxed, half, max_iter=300)
inner, _ = library_lbfgs(lambda z: boxed(z.sigmoid()), torch.zeros(40, dtype=torch.float64), max_iter=300)
for name, x in {
    "start": half,
    "L-BFGS, clamped after every step": clamped(lbfgs),
    "L-BFGS, clamped once at the end": free.clamp(0, 1),
    "L-BFGS through a sigmoid": inner.sigmoid(),
    "Adam, clamped after every step": clamped(lambda x: torch.optim.Adam([x], lr=0.02)),
    "best in the box": torch.from_numpy(best),
}.items():
    print(f"{name:>33}: {float(boxed(x)):8.3f}")

# %% [markdown]
# Clamped at every step, L-BFGS ends nearly **where it started**: the step that was made is not the step that the
# direction meant, and a quasi-Newton direction, cut at the walls, need not lead down at all. Through a sigmoid, or with
# a method made for boxes (L-BFGS-B), the walls are no problem. In practice a transfer from the content image touches
# the walls in few pixels, and clamping passes unpunished; now you know when it does not.
#
# ## When the batch does not fit
#
# For networks, then, Adam and mini-batches. Johnson's transfer network was trained with batches of 4; what if the card
# holds 1? `backward` *adds* to `.grad`. So go through the batch in pieces and step once. The only thing to get right is
# the weight: the mean over 5 + 1 + 3 rows is not the mean of three means. Each piece counts $n_k/n$.
#
# ### Exercise 13.5: accumulate


# %% answer="accumulate_gradients"
def accumulate_gradients(loss_fn, parameters, pieces) -> torch.Tensor:
    """Leave in .grad the gradient of the mean loss over the rows of all pieces.

    Args:
        loss_fn: from a piece to the mean loss over its rows, 0-d.
        parameters: tensors that require gradients; what .grad held before is dropped.
        pieces: tensors with rows first, of any lengths.
    Returns:
        The mean loss over all rows, detached. One backward per piece: no graph outlives its piece.
    Raises:
        ValueError: no pieces, or an empty piece.
    """
    ### BEGIN SOLUTION
    sizes = [len(piece) for piece in pieces]
    if not sizes or min(sizes) == 0:
        raise ValueError(f"pieces: expected rows in every piece, got {sizes}")
    for parameter in parameters:
        parameter.grad = None
    mean = 0.0
    for piece, size in zip(pieces, sizes):
        share = loss_fn(piece) * (size / sum(sizes))
        share.backward()
        mean = mean + share.detach()
    return mean
    ### END SOLUTION


# %% check="accumulate_gradients"

# %% [markdown]
# <details><summary>Ask yourself: is the result in every respect that of the large batch?</summary>
#
# Of the loss, yes. Batch normalisation inside the network still sees one piece at a time, and so computes other
# statistics.
#
# </details>
#
# ## The order of arrival
#
# | | one image | a network |
# |---|---|---|
# | what varies | pixels | weights |
# | the gradient | exact, of one fixed objective | an estimate from a mini-batch |
# | quasi-Newton | pairs measure curvature | pairs measure noise |
# | take | L-BFGS; Adam if memory is short or the objective is random | Adam or SGD |
# | memory beside the gradient | $2m$ images, or 2 | 2 copies of the weights |
#
# Batch, mini-batch and "stochastic" say *which data* give the gradient. Plain, momentum, Adam, L-BFGS say *what is done
# with it*. A list that begins "there are batch gradient descent, SGD and Adam" has mixed the two questions.

# %% [markdown] interview="answer"

# %% [markdown]
# ## References
#
# - D. P. Kingma, J. Ba, *Adam: A Method for Stochastic Optimization*, ICLR 2015, arXiv:1412.6980, Algorithm 1.
# - I. Loshchilov, F. Hutter, *Decoupled Weight Decay Regularization*, ICLR 2019, arXiv:1711.05101.
# - J. Nocedal, *Updating Quasi-Newton Matrices with Limited Storage*, Mathematics of Computation 35, 1980.
# - D. C. Liu, J. Nocedal, *On the Limited Memory BFGS Method for Large Scale Optimization*, Mathematical Programming
#   45, 1989.
# - L. Armijo, *Minimization of Functions Having Lipschitz Continuous First Partial Derivatives*, Pacific Journal of
#   Mathematics 16, 1966.
# - L. A. Gatys, A. S. Ecker, M. Bethge, CVPR 2016: L-BFGS on the image. J. Johnson, A. Alahi, L. Fei-Fei, ECCV 2016,
#   arXiv:1603.08155: Adam, rate 10⁻³, batches of 4, for the network.
#
# **Next:** lesson 17 puts these pieces into a training loop. Two networks that play against each other (7, 8, 18) are
# no longer a minimisation, and their optimisers answer to other rules.
