"""seccomp: which system calls this process, and all that it starts, may still make (Linux 3.5 and later).

A filter of classic BPF, put together here and handed to the kernel. Works without privileges and cannot be taken back.
Source: https://docs.kernel.org/userspace-api/seccomp_filter.html.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from dataclasses import dataclass, field

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _MODE_FILTER = 38, 22, 2
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_X32 = 0x40000000
_CLONE_THREAD = 0x10000
_AF_INET, _AF_INET6, _AF_NETLINK = 2, 10, 16


@dataclass(frozen=True, slots=True)
class _Machine:
    audit: int
    calls: dict[str, int]


_COMMON = {
    "pidfd_send_signal": 424, "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "clone3": 435,
    "pidfd_getfd": 438, "process_madvise": 440, "mount_setattr": 442, "fchmodat2": 452,
    "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432,
}  # fmt: skip
_X86_64 = {
    "socket": 41, "clone": 56, "fork": 57, "vfork": 58, "execve": 59, "execveat": 322, "kill": 62, "tkill": 200,
    "tgkill": 234, "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "bpf": 321,
    "perf_event_open": 298, "userfaultfd": 323, "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161,
    "unshare": 272, "setns": 308, "kexec_load": 246, "init_module": 175, "finit_module": 313, "delete_module": 176,
    "open_by_handle_at": 304, "add_key": 248, "request_key": 249, "keyctl": 250, "swapon": 167, "swapoff": 168,
    "reboot": 169, "sethostname": 170, "settimeofday": 164, "clock_settime": 227, "chmod": 90, "fchmod": 91,
    "fchmodat": 268, "chown": 92, "fchown": 93, "lchown": 94, "fchownat": 260, "setxattr": 188, "lsetxattr": 189,
    "fsetxattr": 190, "prlimit64": 302, "iopl": 172, "ioperm": 173,
}  # fmt: skip
_AARCH64 = {
    "socket": 198, "clone": 220, "execve": 221, "execveat": 281, "kill": 129, "tkill": 130, "tgkill": 131,
    "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271, "bpf": 280, "perf_event_open": 241,
    "userfaultfd": 282, "mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51, "unshare": 97, "setns": 268,
    "kexec_load": 104, "init_module": 105, "finit_module": 273, "delete_module": 106, "open_by_handle_at": 265,
    "add_key": 217, "request_key": 218, "keyctl": 219, "swapon": 224, "swapoff": 225, "reboot": 142,
    "sethostname": 161, "settimeofday": 170, "clock_settime": 112, "fchmod": 52, "fchmodat": 53, "fchown": 55,
    "fchownat": 54, "setxattr": 5, "lsetxattr": 6, "fsetxattr": 7, "prlimit64": 261,
}  # fmt: skip
_MACHINES = {
    "x86_64": _Machine(0xC000003E, {**_X86_64, **_COMMON}),
    "aarch64": _Machine(0xC00000B7, {**_AARCH64, **_COMMON}),
}

_NEVER = (
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "bpf", "perf_event_open", "userfaultfd",
    "mount", "umount2", "pivot_root", "chroot", "unshare", "setns", "kexec_load", "init_module", "finit_module",
    "delete_module", "open_by_handle_at", "add_key", "request_key", "keyctl", "swapon", "swapoff", "reboot",
    "sethostname", "settimeofday", "clock_settime", "iopl", "ioperm", "pidfd_getfd", "pidfd_send_signal", "tkill",
    "mount_setattr", "open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "chown", "fchown", "lchown",
    "fchownat", "setxattr", "lsetxattr", "fsetxattr",
)  # fmt: skip
"""Refused whatever the manifest says."""
_UNKNOWN = ("clone3", "io_uring_setup", "io_uring_enter", "io_uring_register")
"""Answered as by a kernel without them: their arguments cannot be looked at, and the C library has another way."""
_WITHOUT_EFFECT = ("chmod", "fchmod", "fchmodat", "fchmodat2")
"""Succeed and do nothing: Landlock does not watch them, and copying a file ends with one."""
_PROCESSES = ("fork", "vfork", "execve", "execveat")


@dataclass(slots=True)
class _Program:
    code: list[tuple[int, int, int, int]] = field(default_factory=list)

    def add(self, code: int, value: int, yes: int = 0, no: int = 0) -> None:
        self.code.append((code, yes, no, value))

    def give(self, verdict: int) -> None:
        self.add(_RETURN, verdict)

    def packed(self) -> bytes:
        return b"".join(struct.pack("=HBBI", *instruction) for instruction in self.code)


def is_known_machine() -> bool:
    """Whether the numbers of this machine's system calls are known here."""
    return platform.machine() in _MACHINES


def restrict(*, network: bool, processes: bool) -> bool:
    """Give up system calls, for good; whether it was possible on this machine.

    Raises:
        OSError: when the kernel refuses.
    """
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        return False
    packed = _filter(machine, network=network, processes=processes, pid=os.getpid()).packed()
    buffer = ctypes.create_string_buffer(packed, len(packed))

    class FilterProgram(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    program = FilterProgram(len(packed) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
        _PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0
    ):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return True


def _filter(machine: _Machine, *, network: bool, processes: bool, pid: int) -> _Program:
    """The program: each rule either returns or falls through with the call's number loaded."""
    program = _Program()
    program.add(_LOAD, _ARCHITECTURE)
    program.add(_EQUAL, machine.audit, yes=1)
    program.give(_KILL)
    program.add(_LOAD, _NUMBER)
    program.add(_AT_LEAST, _X32, no=1)
    program.give(_ERRNO | errno.EPERM)
    refused = [(name, errno.EPERM) for name in _NEVER]
    refused += [(name, errno.ENOSYS) for name in _UNKNOWN]
    refused += [(name, 0) for name in _WITHOUT_EFFECT]
    if not processes:
        refused += [(name, errno.EPERM) for name in _PROCESSES]
    if not network:
        refused.append(("socket", errno.EACCES))
    for name, number in refused:
        if name in machine.calls:
            program.add(_EQUAL, machine.calls[name], no=1)
            program.give(_ERRNO | number)
    if network:
        _only_arguments(program, machine.calls["socket"], (_AF_INET, _AF_INET6, _AF_NETLINK), errno.EACCES)
    if not processes:
        program.add(_EQUAL, machine.calls["clone"], no=4)
        program.add(_LOAD, _FIRST_ARGUMENT)
        program.add(_ANY_BIT, _CLONE_THREAD, yes=1)
        program.give(_ERRNO | errno.EPERM)
        program.give(_ALLOW)
        for name in ("kill", "tgkill"):
            _only_arguments(program, machine.calls[name], (pid,), errno.EPERM)
        _only_arguments(program, machine.calls["prlimit64"], (0, pid), errno.EPERM)
    program.give(_ALLOW)
    return program


def _only_arguments(program: _Program, call: int, allowed: tuple[int, ...], number: int) -> None:
    """Allow a call only with one of these first arguments (lower 32 bits)."""
    program.add(_EQUAL, call, no=len(allowed) + 3)
    program.add(_LOAD, _FIRST_ARGUMENT)
    for at, value in enumerate(allowed):
        program.add(_EQUAL, value, yes=len(allowed) - at)
    program.give(_ERRNO | number)
    program.give(_ALLOW)
