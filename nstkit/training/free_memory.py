"""How much memory a process may come to, and the most that it has taken: on Linux, and on CUDA devices."""

from collections.abc import Iterator
from pathlib import Path

import torch

_OWN, _MACHINE = Path("/proc/self/status"), Path("/proc/meminfo")
_LISTED, _CGROUPS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")


def room(place: torch.device) -> int | None:
    """Bytes that this process may come to on a device, what it has already included; None where nobody can tell.

    On the CPU the least of what is available on the machine, of the limits of the control groups it runs in (which is
    how containers are confined), and of its own limit on address space.
    """
    if place.type == "cuda":
        free: int = torch.cuda.mem_get_info(place)[0]
        return free + torch.cuda.memory_reserved(place)
    resident, available = _kibibytes(_OWN, "VmRSS"), _kibibytes(_MACHINE, "MemAvailable")
    if place.type != "cpu" or resident is None or available is None:
        return None
    return resident + min([available, *_left_by_groups(), *_left_of_addresses()])


def peak(place: torch.device) -> int | None:
    """The most bytes that this process has had on a device; None where nobody can tell."""
    if place.type == "cuda":
        return int(torch.cuda.max_memory_allocated(place))
    return _kibibytes(_OWN, "VmHWM") if place.type == "cpu" else None


def _kibibytes(file: Path, name: str) -> int | None:
    """The value of a line such as "VmRSS:  1024 kB", in bytes; None where there is none, as on other systems."""
    if not file.exists():
        return None
    lines = (line.split() for line in file.read_text().splitlines())
    return next((1024 * int(words[1]) for words in lines if words[:1] == [f"{name}:"]), None)


def _left_by_groups() -> Iterator[int]:
    """What each control group that has a limit leaves: caches of files count as free, as they are for the machine."""
    for folder in _groups():
        for limit_name, used_name in (
            ("memory.max", "memory.current"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes"),
        ):
            try:
                limit, used = (folder / limit_name).read_text().strip(), (folder / used_name).read_text()
                statistics = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
            except (OSError, ValueError):
                continue
            if limit != "max":
                cached = int(statistics.get("inactive_file", statistics.get("total_inactive_file", 0)))
                yield max(0, int(limit) - int(used) + cached)


def _groups() -> Iterator[Path]:
    """The folders of this process's control groups, innermost first, and of the groups around them."""
    try:
        lines = _LISTED.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, name = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        top = _CGROUPS / "memory" if controllers else _CGROUPS
        inner = top / name.lstrip("/")
        yield from (folder for folder in (inner, *inner.parents) if folder.is_relative_to(top))


def _left_of_addresses() -> Iterator[int]:
    import resource  # not on every system

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        yield max(0, limit - (_kibibytes(_OWN, "VmSize") or 0))
