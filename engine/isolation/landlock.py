"""Landlock: which files this process, and all that it starts, may still reach (Linux 5.13 and later).

Source: https://docs.kernel.org/userspace-api/landlock.html. Works without privileges and cannot be taken back. It does
not hide names, sizes and times of files; it keeps their content from being read and everything from being changed.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_RULE_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_ALL_BY_ABI = ((1, (1 << 13) - 1), (2, (1 << 14) - 1), (3, (1 << 15) - 1), (5, (1 << 16) - 1))
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_NET_BIND_TCP, _NET_CONNECT_TCP = 1, 2
_SCOPE_ABSTRACT_SOCKETS, _SCOPE_SIGNALS = 1, 2

_libc = ctypes.CDLL(None, use_errno=True)


def version() -> int:
    """Version of Landlock in this kernel; 0 where there is none."""
    found = int(_libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(1)))
    return max(found, 0)


def restrict(readable: Iterable[Path], writable: Iterable[Path], *, network: bool, devices: Iterable[Path] = ()) -> int:
    """Give up every file but these, for good.

    Args:
        readable: files and folders that may still be read and executed.
        writable: folders that may still be changed.
        network: whether TCP stays allowed (from version 4 on).
        devices: device files that may be read, written and controlled.

    Returns:
        The version of Landlock that was used; 0 where there is none and nothing was given up.

    Raises:
        OSError: when the kernel refuses.
    """
    abi = version()
    if not abi:
        return 0
    everything = next(rights for since, rights in reversed(_ALL_BY_ABI) if abi >= since)
    net = 0 if network or abi < 4 else _NET_BIND_TCP | _NET_CONNECT_TCP
    scoped = _SCOPE_ABSTRACT_SOCKETS | _SCOPE_SIGNALS if abi >= 6 else 0
    fields = [everything, net, scoped][: 1 if abi < 4 else 2 if abi < 6 else 3]
    attributes = struct.pack(f"={len(fields)}Q", *fields)
    ruleset = _checked(_libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0)))
    try:
        reading = _EXECUTE | _READ_FILE | _READ_DIR
        for path in readable:
            _allow(ruleset, path, reading)
        for path in writable:
            _allow(ruleset, path, everything & ~_EXECUTE & ~_IOCTL_DEV)
        for path in devices:
            _allow(ruleset, path, everything & (_READ_FILE | _WRITE_FILE | _READ_DIR | _IOCTL_DEV))
        _checked(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        _checked(_libc.syscall(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0)))
    finally:
        os.close(ruleset)
    return abi


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no right
    try:
        if not path.is_dir():
            rights &= _ON_FILES
        rule = struct.pack("=Qi", rights, descriptor)
        arguments = (ctypes.c_int(ruleset), ctypes.c_int(_RULE_PATH_BENEATH), rule, ctypes.c_uint32(0))
        _checked(_libc.syscall(_ADD_RULE, *arguments))
    finally:
        os.close(descriptor)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
