"""Run the command line in this process; real pictures in the current folder."""

import shutil
import signal
from collections.abc import Callable
from typing import NamedTuple

import pytest
import torch

from nstkit.cli import main
from nstkit.images import save_image
from nstkit.paintings import paint


class Ended(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def keyboard():
    """Ctrl-C works afterwards as it did before."""
    handler = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, handler)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty current folder, one thread, an 80-column terminal that is none, and no settings of the user's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("NSTKIT_TRACEBACK", "NSTKIT_WEIGHTS", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "no-weights"))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield tmp_path
    torch.set_num_threads(threads)


@pytest.fixture
def nstkit(here, capsys) -> Callable[..., Ended]:
    """`nstkit("transfer", …)` as the console script would do it."""

    def run(*words: object) -> Ended:
        with pytest.raises(SystemExit) as end:
            main([str(word) for word in words])
        said = capsys.readouterr()
        return Ended(end.value.code or 0, said.out, said.err)

    return run


@pytest.fixture(scope="session")
def paintings(tmp_path_factory):
    """A folder with two small pictures of different shapes."""
    folder = tmp_path_factory.mktemp("paintings")
    save_image(paint("pointillism", 72, 96), folder / "photo.png")
    save_image(paint("mosaic", 60, 80), folder / "style.png")
    return folder


@pytest.fixture
def photo(here, paintings):
    """The name of a content picture in the current folder, 96 x 72."""
    return shutil.copy(paintings / "photo.png", here / "photo.png").name


@pytest.fixture
def style(here, paintings):
    """The name of a style picture in the current folder, 80 x 60."""
    return shutil.copy(paintings / "style.png", here / "style.png").name
