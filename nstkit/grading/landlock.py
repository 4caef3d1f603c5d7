"""Landlock: a process locks itself away from files and network, without privileges (Linux 5.13 and later).

Only what is listed can be read or written afterwards, by this process and all that it starts. From ABI 4 on
TCP is refused too, from ABI 6 on signals and abstract sockets to the outside. Source: the kernel's
documentation, "Landlock: unprivileged access control" (userspace-api/landlock).

This module runs inside the sandbox too: it needs nothing but the standard library.
"""

import ctypes
import os
import struct
from collections.abc import Sequence

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS, _PR_SET_CHILD_SUBREAPER = 4, 38, 36
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_FIRST_RIGHTS = (1 << 13) - 1
_REFER, _TRUNCATE, _IOCTL = 1 << 13, 1 << 14, 1 << 15
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def landlock_abi() -> int:
    """The kernel's Landlock version, 0 where there is none."""
    try:
        version: int = _libc().syscall(_CREATE_RULESET, None, 0, 1)
    except (OSError, AttributeError):
        return 0
    return max(version, 0)


def restrict(readable: Sequence[str], writable: Sequence[str] = ()) -> int:
    """Allow reading below `readable`, reading and writing below `writable`, and nothing else, from now on.

    Returns the ABI in force; 0 means that the kernel has no Landlock and nothing was restricted.
    Raises OSError where the kernel refuses a rule.
    """
    abi = landlock_abi()
    if abi == 0:
        return 0
    libc, handled = _libc(), _rights(abi)
    network, scope = (3 if abi >= 4 else 0), (3 if abi >= 6 else 0)
    attributes = struct.pack("QQQ", handled, network, scope)[: 24 if abi >= 6 else 16 if abi >= 4 else 8]
    ruleset = libc.syscall(_CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "landlock_create_ruleset")
    for paths, rights in ((readable, _EXECUTE | _READ_FILE | _READ_DIR), (writable, handled)):
        for path in paths:
            _allow(libc, ruleset, path, rights & handled)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.syscall(_RESTRICT_SELF, ruleset, 0):
        raise OSError(ctypes.get_errno(), "landlock_restrict_self")
    os.close(ruleset)
    return abi


def _rights(abi: int) -> int:
    later = ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL))
    return _FIRST_RIGHTS | sum(right for since, right in later if abi >= since)


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        rights = rights if os.path.isdir(path) else rights & _FILE_RIGHTS
        if libc.syscall(_ADD_RULE, ruleset, 1, struct.pack("=Qi", rights, place), 0):
            raise OSError(ctypes.get_errno(), f"landlock_add_rule {path}")
    finally:
        os.close(place)


def hide_memory() -> None:
    """Refuse others a look into this process's memory and environment."""
    _libc().prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends, so that none can slip away."""
    _libc().prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
