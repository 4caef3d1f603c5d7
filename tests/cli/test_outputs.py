"""What a command made it may replace; anything else it may not."""

import pytest
import torch

from nstkit.cli.outputs import check_own, made_by
from nstkit.images import save_image


def test_absent_and_own_files_pass(here):
    check_own(here / "a.png", "demo", "go away")
    save_image(torch.rand(1, 3, 20, 30), here / "a.png", metadata=made_by("demo"))
    check_own(here / "a.png", "demo", "go away")


@pytest.mark.parametrize("metadata", [{}, made_by("transfer")])
def test_foreign_pictures_do_not(here, metadata):
    save_image(torch.rand(1, 3, 20, 30), here / "a.png", metadata=metadata)
    with pytest.raises(FileExistsError, match=r"a\.png: exists, and `nstkit demo` did not make it; go away"):
        check_own(here / "a.png", "demo", "go away")


def test_nor_do_files_that_are_no_pictures(here):
    (here / "a.png").write_text("my notes")
    with pytest.raises(FileExistsError, match="did not make it"):
        check_own(here / "a.png", "demo", "go away")
