"""The rows of the table: which sides take turns at what, and which ratios are wanted."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from .problem import convolution_flops
from .row import Answers, Comparison, Row, Target, compared, medians, say
from .turns import Plan, asked, made, take_turns
from .worker import Worker


def _pairs(plain: float, others: float) -> tuple[Comparison, ...]:
    """Who is timed beside whom, for these wanted ratios."""
    return (
        Comparison("ours", "plain", Target(plain)),
        Comparison("ours", "crowsonkb", Target(others)),
        Comparison("ours, as crowsonkb", "crowsonkb", Target(others)),
        Comparison("ours", "pystiche", Target(others)),
        Comparison("ours", "plain, frozen and cut"),
    )


ON_CPU = (*_pairs(3.3, 2.7), Comparison("ours, float32", "plain"))
ON_GPU = _pairs(3.0, 2.5)
SHARE, REACHED = Target(0.6), Target(0.33, at_most=True)
MEMORY = Comparison("ours", "crowsonkb", Target(0.6, at_most=True), share=True)
WASSERSTEIN = Comparison("our loss", "crowsonkb's loss", Target(3.0))


def iterations(plan: Plan, sizes: tuple[int, ...]) -> Iterator[Row]:
    """Seconds per iteration at each size; at the last, the share of the device's own rate that ours reaches."""
    on_gpu = plan.problem.device != "cpu"
    for size in sizes:
        say(f"Seconds per iteration, {size} px")
        pairs = ON_GPU if on_gpu else ON_CPU
        sides = list(dict.fromkeys(side for pair in pairs for side in (pair.mine, pair.other)))
        found, failed = take_turns(plan.at(size), sides)
        for pair in pairs:
            yield compared(f"seconds per iteration, {size} px", pair, found, failed)
    rates, reasons = take_turns(plan.at(size), ["rate"])
    measure, target = f"share of bfloat16 convolution rate, {size} px", SHARE if on_gpu else None
    if "ours" not in found or "rate" not in rates:
        yield Row(
            measure, "ours", "the device", target=target, why_not="; ".join((failed | reasons).values())
        )
        return
    reached, rate = convolution_flops(size) / found["ours"]["seconds"], rates["rate"]["rate"]
    told = (f"{value / 1e12:.3g} Tflop/s" for value in (reached, rate))
    yield Row(measure, "ours", "the device", *told, ratio=reached / rate, target=target)


def whole_runs(plan: Plan, sizes: tuple[int, ...]) -> Iterator[Row]:
    """Seconds until ours is as good as the plain loop's last image, both judged by the same objective."""
    plan = plan.at(sizes[-1])
    measure = f"time to the plain loop's loss after {plan.problem.evaluations} evaluations, {sizes[-1]} px"
    say(measure.capitalize())
    answers: dict[str, list[dict[str, Any]]] = {"plain run": [], "our run": []}
    failed = plan.left_out(list(answers))
    with ExitStack() as stack:
        workers = made(plan, list(answers), stack, failed)
        for _ in range(0 if failed else min(3, plan.repeats)):
            if not _one_race(workers, answers, failed):
                break
    found = {side: medians(values) for side, values in answers.items() if values and side not in failed}
    yield compared(measure, Comparison("our run", "plain run", REACHED, share=True), found, failed)


def _one_race(
    workers: Mapping[str, Worker], answers: Mapping[str, list[dict[str, Any]]], failed: dict[str, str]
) -> bool:
    """Let each side run once; whether ours got there."""
    theirs = asked(workers["plain run"], failed)
    ours = None if theirs is None else asked(workers["our run"], failed, target=theirs["value"])
    if theirs is None or ours is None:
        return False
    answers["plain run"].append(theirs)
    answers["our run"].append(ours)
    say(f"  loss {ours['value']:.4g} beside {theirs['value']:.4g}, {ours['evaluations']} evaluations")
    if not ours["reached"]:
        failed["our run"] = f"came to a loss of {ours['value']:.4g} only, not to {theirs['value']:.4g}"
    return bool(ours["reached"])


def memory(plan: Plan, sizes: tuple[int, ...]) -> Iterator[Row]:
    """The most memory that a fresh process held in two iterations, and by how much more than one with torch alone."""
    plan = plan.at(sizes[-1])
    say(f"Peak memory, {sizes[-1]} px")
    found: Answers = {}
    sides = ("idle", "ours", "crowsonkb", "plain")
    failed = plan.left_out(sides)
    for side in sides:
        with ExitStack() as stack:
            for worker in made(plan, [side], stack, failed).values():
                answer = asked(worker, failed, 2)
                found |= {} if answer is None else {side: answer}
    idle = found.get("idle", {}).get("peak", 0)
    for answer in found.values():
        answer["more"] = answer["peak"] - idle
    for other in ("crowsonkb", "plain"):
        pair = replace(MEMORY, other=other, target=MEMORY.target if other == "crowsonkb" else None)
        for name, key in (("peak memory", "peak"), ("the same less what torch alone takes", "more")):
            yield compared(f"{name}, {sizes[-1]} px", pair, found, failed, key, _gib)


def _gib(count: float) -> str:
    return f"{count / 2**30:.2f} GiB"


def wasserstein(plan: Plan, sizes: tuple[int, ...]) -> Iterator[Row]:
    """The Wasserstein-2 loss of the style layers of given features, forward and back to them."""
    say(f"Wasserstein-2 loss, {sizes[-1]} px")
    found, failed = take_turns(
        replace(plan.at(sizes[-1]), repeats=3 * plan.repeats), [WASSERSTEIN.mine, WASSERSTEIN.other]
    )
    for side, answer in found.items():
        say(f"  {side} says {answer['value']:.5g}")
    yield compared(f"Wasserstein-2 loss, {sizes[-1]} px", WASSERSTEIN, found, failed)


@dataclass(frozen=True)
class Measure:
    """A function that yields rows, and the sizes that it is for."""

    rows: Callable[[Plan, tuple[int, ...]], Iterator[Row]]
    on_cpu: tuple[int, ...]
    on_gpu: tuple[int, ...]


MEASURES = {
    "iterations": Measure(iterations, (512,), (512, 1024)),
    "run": Measure(whole_runs, (256,), (256,)),
    "memory": Measure(memory, (1024,), (1024,)),
    "wasserstein": Measure(wasserstein, (128,), (128,)),
}
