"""Files that a command may replace without being asked: those that it made itself, as their metadata says."""

from pathlib import Path

from nstkit import __version__


def made_by(command: str) -> dict[str, str]:
    """Metadata that marks a picture as the work of a command."""
    return {"software": f"nstkit {__version__}", "command": command}


def check_own(path: Path, command: str, way_out: str) -> None:
    """Raise FileExistsError if `path` is there and `command` did not make it."""
    from nstkit.images import ImageError, read_metadata  # here, so that help need not load torch

    try:
        own = not path.exists() or read_metadata(path).get("command") == command
    except ImageError:
        own = False
    if not own:
        raise FileExistsError(f"{path}: exists, and `nstkit {command}` did not make it; {way_out}")
