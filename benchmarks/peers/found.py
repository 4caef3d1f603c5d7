"""Which peers are at hand, and in which version."""

import importlib.metadata
import importlib.util
import subprocess
from collections.abc import Mapping
from pathlib import Path

PACKAGES = {"crowsonkb": "style_transfer", "pystiche": "pystiche"}
DISTRIBUTIONS = {"crowsonkb": "style-transfer-pytorch", "pystiche": "pystiche"}


def package_folder(peer: str, folder: str | None) -> Path:
    """Where a peer's package is: in the folder given, or where it is installed.

    Raises:
        FileNotFoundError: neither; says what to do.
    """
    package = PACKAGES[peer]
    if folder is not None:
        if not (Path(folder) / package / "__init__.py").is_file():
            raise FileNotFoundError(f"--{peer}: no {package}/__init__.py in the folder")
        return Path(folder) / package
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"not installed; give its folder with --{peer} FOLDER")
    return Path(next(iter(spec.submodule_search_locations)))


def missing(side: str, folders: Mapping[str, str]) -> str | None:
    """Why a side cannot be run for want of its peer; None where it can."""
    for peer in PACKAGES:
        if side.startswith(peer):
            try:
                package_folder(peer, folders.get(peer))
            except FileNotFoundError as error:
                return str(error)
    return None


def peers_found(folders: Mapping[str, str]) -> dict[str, str]:
    """A sentence for each peer."""
    return {"plain": "in this harness"} | {peer: _told(peer, folders.get(peer)) for peer in PACKAGES}


def _told(peer: str, folder: str | None) -> str:
    try:
        package_folder(peer, folder)
    except FileNotFoundError as error:
        return f"not found ({error})"
    places = {} if folder is None else {"path": [folder]}
    found = importlib.metadata.distributions(name=DISTRIBUTIONS[peer], **places)
    versions = [distribution.version for distribution in found]
    return f"found, {versions[0] if versions else _commit(folder)}"


def _commit(folder: str | None) -> str:
    """Of a checkout."""
    if folder is None:
        return "version unknown"
    asked = ["git", "-C", folder, "rev-parse", "--short", "HEAD"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return f"commit {done.stdout.strip()}" if done.returncode == 0 else "version unknown"
