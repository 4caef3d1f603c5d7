"""`nstkit transfer FOLDER STYLE… -o FOLDER`: every picture of a folder, by one process or by several under torchrun.

A result has its name only once it is whole, so what is there is finished. What a picture's file, size or loss makes
impossible is said at once and concerns that picture alone: the exit code is then 1.
"""

import shlex
import sys
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from nstkit.cli.checkpoints import partial_path
from nstkit.cli.console import Meter, meter, work_done
from nstkit.cli.folder_ledger import PAUSE, Ledger
from nstkit.cli.folder_painters import Painter, painter
from nstkit.cli.folder_plan import FolderOrder, Plan, planned
from nstkit.cli.frames import check_folder
from nstkit.cli.interrupt import Interrupt
from nstkit.images import ImageError, save_image
from nstkit.images.writing import FORMATS
from nstkit.training.devices import pick_device
from nstkit.training.distributed import together
from nstkit.transfer import NonFiniteLoss, Step
from nstkit.transfer.pyramid import PictureTooSmall


def carry_out_folder(order: FolderOrder) -> None:
    """Do it; exits with 1 where a picture was passed over, with 130 where Ctrl-C stopped it.

    Raises:
        ValueError, TypeError, OSError: something in the order cannot be; nothing was written.
    """
    device = pick_device(order.given.get("device", "auto"))
    with together(device) as team, Ledger(team) as ledger:
        plan, paint = _prepared(order, ledger, team.place)
        with meter(order.quiet or not ledger.leads) as progress:
            work = FolderWork(order, plan, paint, ledger, progress)
            try:
                with work.interrupt:
                    work.run()
            except BaseException:
                if work.interrupt.number or work.anything_there:
                    work.say_how_it_ended()
                raise
            work.say_how_it_ended()
            if work.exit_code:
                sys.exit(work.exit_code)


def _prepared(order: FolderOrder, ledger: Ledger, device: torch.device) -> tuple[Plan, Painter]:
    """All that can be checked before any work: the leading process does it for all."""
    paint: list[Painter] = []

    def plan() -> dict[str, object]:
        if order.output.suffix.lower() in FORMATS and not order.output.is_dir():
            raise ValueError(f"--output: expected a folder, as {order.content} is one, got {order.output}")
        check_folder(order)
        paint.append(painter(order, device))
        return planned(order, paint[0].marks, paint[0].size, paint[0].check).plain()

    agreed = Plan(**ledger.agreed(plan))
    return agreed, paint[0] if paint else painter(order, device)


class FolderWork:
    """One process's part of the work on a folder, and what it says of all of it if it leads.

    Attributes:
        interrupt: what Ctrl-C asks of it.
    """

    def __init__(
        self, order: FolderOrder, plan: Plan, paint: Painter, ledger: Ledger, progress: Meter
    ) -> None:
        self._order, self._plan, self._paint, self._ledger = order, plan, paint, ledger
        self._progress, self._opened = progress, order.quiet or not ledger.leads
        self._started, self._share = time.monotonic(), 0.0
        self.interrupt = Interrupt(self._hurry)

    def run(self) -> None:
        """Take batches until none is left, then wait for those of others."""
        if self._ledger.leads:
            for why in self._plan.damaged:
                self._ledger.pass_over(why)
        self._say_news()
        for number in self._ledger.turns(len(self._plan.batches)):
            self._batch(self._plan.batches[number])
            if self.interrupt.number:
                return
        while self._ledger.leads and self._ledger.others_at_work() and not self.interrupt.number:
            time.sleep(PAUSE)
            self._show()

    # -- one batch ------------------------------------------------------------------------------

    def _batch(self, names: Sequence[str]) -> None:
        """Read the pictures; paint together those of one size, which are all unless a header was wrong."""
        sizes: dict[tuple[int, ...], dict[str, Tensor]] = {}
        for name in names:
            try:
                content = self._paint.read(self._order.folder / name)
            except ImageError as error:
                self._pass_over(str(error))
                continue
            sizes.setdefault(tuple(content.shape), {})[name] = content
        for contents in sizes.values():
            self._painted(contents)

    def _painted(self, contents: dict[str, Tensor]) -> None:
        """Paint pictures of one size; where one of them blows up, each goes by itself, as if it had always done."""
        names, together = list(contents), torch.cat(list(contents.values()))
        first = self._order.folder / names[0]
        results = None
        try:
            if not self.interrupt.number:
                results = self._paint(first, together, self._watch(len(names)))
        except PictureTooSmall as error:
            if self._paint.size is not None and self._paint.size < error.least:  # no picture would do
                raise
            for name in names:
                self._pass_over(f"{self._order.folder / name}: {error}")
        except NonFiniteLoss as error:
            if len(names) == 1:
                self._blown_up(names[0], error)
            for name in names if len(names) > 1 else ():
                self._painted({name: contents[name]})
        self._share = 0.0
        for name, result in zip(names, [] if results is None else results.split(1), strict=False):
            self._keep(name, result)
        self._show()

    def _watch(self, pictures: int) -> Callable[[Step], bool]:
        """What happens after each step on so many pictures: progress, which waits for no device; True ends it."""

        def after(step: Step) -> bool:
            self._share = pictures * work_done(step)
            self._show()
            return bool(self.interrupt.number)

        return after

    def _keep(self, name: str, result: Tensor) -> None:
        """Write a result, and only then remove what an earlier run left of it."""
        order, target = self._order, self._order.target(name)
        order.output.mkdir(exist_ok=True)
        about = self._paint.about | self._paint.marks.of(order.folder / name)
        save_image(result, target, metadata=about, overwrite=order.force)
        partial_path(target).unlink(missing_ok=True)
        self._ledger.add_done()

    def _blown_up(self, name: str, error: NonFiniteLoss) -> None:
        """Keep the last good picture beside where the result would be."""
        path = partial_path(self._order.target(name))
        self._order.output.mkdir(exist_ok=True)
        about = self._paint.about | self._paint.marks.of(self._order.folder / name)
        save_image(error.image, path, metadata=about, overwrite=True)
        self._pass_over(f"{self._order.folder / name}: {error}; the last good picture is {path}")

    def _pass_over(self, why: str) -> None:
        self._ledger.pass_over(why)
        self._say_news()

    # -- what is said ---------------------------------------------------------------------------

    def _say_news(self) -> None:
        """Pictures that were passed over, by whomever, are said by the process that leads."""
        for why in self._ledger.news() if self._ledger.leads else ():
            self._progress.say(f"passed over: {why}")

    def _show(self) -> None:
        if not self._opened:
            self._opened = True
            self._progress.say(self._paint.opening)
        if not self._ledger.leads or not self._progress.due():
            return
        self._say_news()
        done, total = (
            self._ledger.done + self._ledger.passed_over,
            self._plan.pictures + len(self._plan.damaged),
        )
        share = min(1.0, (done + self._share) / total)
        self._progress.update(share, f"{done}/{total}", self._rate())

    def _rate(self) -> str:
        done, seconds = self._ledger.done, time.monotonic() - self._started
        if not done:
            return ""
        return f"{done / seconds:.1f} pictures/s" if done > seconds else f"{seconds / done:.1f} s a picture"

    def _hurry(self) -> None:
        if self._ledger.leads:
            self._progress.say("stopping after this step; Ctrl-C again quits at once")

    @property
    def anything_there(self) -> bool:
        """Whether there are results, of this run or an earlier one."""
        return self._ledger.done + self._plan.kept > 0

    @property
    def exit_code(self) -> int:
        """0; 1, of the leading process, where a picture is missing; 128 and its signal after an interruption."""
        if not self._complete and self.interrupt.number:
            return 128 + self.interrupt.number
        return int(self._ledger.leads and (self._ledger.passed_over > 0 or not self._complete))

    @property
    def _complete(self) -> bool:
        """Whether every picture was done or passed over."""
        seen = self._ledger.done + self._ledger.passed_over
        return seen >= self._plan.pictures + len(self._plan.damaged)

    def say_how_it_ended(self) -> None:
        """What is there now, and how to go on where something is missing."""
        order, ledger, kept, passed = self._order, self._ledger, self._plan.kept, self._ledger.passed_over
        if not ledger.leads:
            return
        self._say_news()
        if not self._complete:
            total = self._plan.pictures + len(self._plan.damaged) + kept
            self._progress.say(f"stopped: {ledger.done + kept} of {total} pictures are in {order.output}")
            again = [word for word in order.words if word != "--resume"]
            way = shlex.join(["nstkit", *again, "--resume"]) if ledger.alone else "the same with --resume"
            self._progress.say(f"to go on: {way}")
        elif not order.quiet:
            parts = [f"wrote {ledger.done} pictures to {order.output}"]
            parts += [f"{kept} were there"] * bool(kept) + [f"{passed} passed over"] * bool(passed)
            self._progress.say(f"{', '.join(parts)}; {self._rate() or 'done'}")
