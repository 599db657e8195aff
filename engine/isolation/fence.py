"""Close the fence around this process: Landlock and seccomp where there are any, Python's audit events beside them.

Landlock and seccomp hold whatever the code does, also in C. The audit hook stops only Python code, and honest mistakes
in the first place; it is there for its messages, which name the permission that is missing.
"""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path
from typing import Any

from engine.isolation import landlock, seccomp
from engine.plugins.manifest import Permissions

_SYSTEM = (
    "/usr", "/lib", "/lib64", "/bin", "/opt/rocm", "/nix/store", "/etc/ld.so.cache", "/etc/localtime", "/etc/ssl",
    "/etc/ca-certificates", "/etc/pki", "/etc/mime.types", "/etc/fonts", "/proc/self", "/proc/cpuinfo",
    "/proc/meminfo", "/proc/stat", "/proc/filesystems", "/proc/sys/vm/overcommit_memory", "/sys/devices/system",
    "/sys/fs/cgroup", "/dev/null", "/dev/zero", "/dev/urandom", "/dev/random",
)  # fmt: skip
_NETWORK_FILES = (
    "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf", "/run/systemd/resolve",
)  # fmt: skip
_GPU_DEVICES = (
    "/dev/dri", "/dev/kfd", "/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools", "/dev/nvidia-modeset",
)  # fmt: skip
_GPU_FILES = ("/proc/driver/nvidia", "/sys/class/drm", "/sys/bus/pci", "/sys/devices", "/sys/class/kfd", "/sys/module")


def close(permissions: Permissions, readable: list[Path], writable: list[Path]) -> list[str]:
    """Give up what the manifest does not declare, for good; the names of what holds it back.

    Args:
        permissions: what is declared.
        readable: folders that may be read beside the system's libraries.
        writable: folders that may be written.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    holding: list[str] = []
    system = [*_SYSTEM, *(_NETWORK_FILES if permissions.network else ()), *(_GPU_FILES if permissions.gpu else ())]
    devices = [*_GPU_DEVICES, *map(str, Path("/dev").glob("nvidia[0-9]*"))] if permissions.gpu else []
    reading = [*map(Path, system), *readable, *writable]
    if sys.platform == "linux":
        null = [Path("/dev/null"), Path("/dev/zero")]
        used = landlock.restrict(reading, writable, network=permissions.network, devices=[*null, *map(Path, devices)])
        if used:
            holding.append(f"landlock {used}")
        if seccomp.restrict(network=permissions.network, processes=permissions.processes):
            holding.append("seccomp")
    sys.addaudithook(_Hook(permissions).judge)
    holding.append("audit")
    return holding


_NETWORK = frozenset({"socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"})
_PROCESSES = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty"})


class _Hook:
    """Refuses with words what seccomp would refuse with a number."""

    def __init__(self, permissions: Permissions) -> None:
        self._refused: dict[str, str] = {}
        if not permissions.network:
            self._refused |= dict.fromkeys(_NETWORK, "network")
        if not permissions.processes:
            self._refused |= dict.fromkeys(_PROCESSES, "processes")

    def judge(self, event: str, _arguments: tuple[Any, ...]) -> None:
        missing = self._refused.get(event)
        if missing is not None:
            raise PermissionError(f"{event}: the plugin's manifest does not declare the permission {missing!r}")


def environment(home: Path, permissions: Permissions, host: dict[str, str]) -> dict[str, str]:
    """The environment variables of an isolated plugin: none of the host's secrets."""
    kept = ("LANG", "LC_ALL", "LC_CTYPE", "TZ", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "LD_LIBRARY_PATH")
    found = {name: host[name] for name in kept if name in host}
    found |= {"HOME": str(home), "TMPDIR": str(home / "tmp"), "PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"}
    if not permissions.gpu:
        found |= {"CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": ""}
    else:
        names = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "CUDA_HOME", "CUDA_PATH")
        found |= {name: host[name] for name in names if name in host}
    return found
