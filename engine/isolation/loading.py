"""Node types of the plugins that are installed in environments of their own.

They are read from records, without starting a process. Only a linked plugin whose code has changed since is asked.
"""

from __future__ import annotations

from pathlib import Path

from engine.allocation import make_no_more_outputs_in, make_outputs_in
from engine.folders import Folders
from engine.isolation.describing import FORMAT, node_types_of
from engine.isolation.host import IsolatedPlugin, Places
from engine.isolation.installed import RECORD, Installed, keep_described, kept_described, read_installed
from engine.isolation.life import PluginBroken
from engine.isolation.made import Made
from engine.isolation.memory import Known
from engine.node_types.registry import Registry
from engine.open_files import allow_many_open_files
from engine.plugins.discovery import Discovered, Plugin, PluginError, twins
from engine.plugins.manifest import ManifestError, read_manifest


class IsolatedPlugins:
    """All of one data folder. Processes of plugins that have not changed are kept when it loads again.

    While there are any, this process makes outputs in memory that crosses to them without being copied.
    """

    def __init__(self, folders: Folders) -> None:
        self._root = folders.environments
        self._places = Places(folders.inputs, folders.outputs, folders.models)
        self._running: dict[str, tuple[Installed, IsolatedPlugin]] = {}
        self._known, self._made = Known(), Made(trusted=True)
        self.errors: list[PluginError] = []

    def stamp(self) -> tuple[tuple[str, int], ...]:
        """Another value means that something was installed, removed or changed."""
        linked = [installed.code() for installed, _ in self._running.values() if installed.linked]
        found = [(f"{path} {size}", modified) for code in linked for path, size, modified in code.stamp()]
        for path in self._root.glob(f"*/{RECORD}") if self._root.is_dir() else ():
            try:
                found.append((str(path), path.stat().st_mtime_ns))
            except OSError:
                continue
        return tuple(sorted(found))

    def load(self, built_in: Discovered) -> list[Plugin]:
        """The plugins; what is wrong goes to :attr:`errors`."""
        registry = built_in.registry()
        plugins: list[Plugin] = []
        self.errors = []
        before, self._running = self._running, {}
        for folder, installed in read_installed(self._root):
            if isinstance(installed, str):
                self.errors.append(PluginError(folder.name, f"the plugin {folder.name!r}: {installed}"))
            elif installed.described.get("format") != FORMAT:
                message = "was installed by another version of Kinograph; install it again"
                self.errors.append(PluginError(installed.name, f"the plugin {installed.name!r} {message}"))
            elif installed.enabled:
                known = before.get(installed.name)
                current, process = self._current(folder, installed, known) if installed.linked else (installed, None)
                if process is None:
                    same = known is not None and known[0] == current
                    process = known[1] if known is not None and same else self._process(folder, current)
                self._running[installed.name] = (current, process)
                plugins.append(_plugin(current, process, registry))
                self.errors += [PluginError(installed.name, message) for message in current.described["errors"]]
        for name, (_, process) in before.items():
            if name not in self._running or self._running[name][1] is not process:
                process.retire()
        if self._running:
            allow_many_open_files()  # each tensor that has crossed is one
            make_outputs_in(self._made.memory)
        return plugins

    def _current(
        self, folder: Path, installed: Installed, known: tuple[Installed, IsolatedPlugin] | None
    ) -> tuple[Installed, IsolatedPlugin | None]:
        """A linked plugin as its code is now, with its process where that had to be asked.

        When the code cannot be loaded, the error is told, and what worked last stays.
        """
        last = known[0] if known is not None else installed
        kept = last.described if known is not None else kept_described(folder) or installed.described
        try:
            manifest = read_manifest(Path(installed.package)) or installed.manifest
            now = installed.model_copy(update={"manifest": manifest, "described": {}})
            code = now.code().fingerprint()
            if kept.get("format") == FORMAT and kept["code"] == code:
                return now.model_copy(update={"described": kept}), None
            process = self._process(folder, now)
            described = process.start()
        except (ManifestError, PluginBroken, OSError) as error:
            details = "\n".join(getattr(error, "__notes__", ()))
            message = f"{error} (its nodes are those of the last version that worked)"
            self.errors.append(PluginError(installed.name, message, details))
            return last, None
        keep_described(folder, described)
        return now.model_copy(update={"described": described}), process

    def _process(self, folder: Path, installed: Installed) -> IsolatedPlugin:
        return IsolatedPlugin(folder, installed, self._places, self._known, self._made)

    def close(self) -> None:
        """End all processes."""
        make_no_more_outputs_in(self._made.memory)
        self._made.close()
        for _, process in self._running.values():
            process.close()


def _plugin(installed: Installed, process: IsolatedPlugin, registry: Registry) -> Plugin:
    """A plugin whose node types are calls to its process."""
    described = installed.described
    node_types = node_types_of(described, installed.name, registry, process.function, process.hook)
    process.know(node_types, registry.classes(), registry.buffers)
    return Plugin(
        installed.name,
        "linked, isolated" if installed.linked else "isolated",
        installed.version,
        described["code"],
        described.get("seconds", 0.0),
        node_types=node_types,
        manifest=installed.manifest,
    )


def with_isolated(discovered: Discovered, isolated: IsolatedPlugins) -> Discovered:
    """What was discovered, and the isolated plugins after it. Those of a name that is there already are told."""
    names = {plugin.name for plugin in discovered.plugins}
    plugins, errors = [], []
    for plugin in isolated.load(discovered):
        if plugin.name in names:
            message = f"the plugin {plugin.name!r} in its own environment is not used: one of that name is there"
            errors.append(PluginError(plugin.name, message))
        else:
            plugins.append(plugin)
    everything = [*discovered.plugins, *plugins]
    known = [*discovered.errors, *isolated.errors, *errors]
    return Discovered(
        everything, known + [error for error in twins(everything) if error not in known], discovered.pending
    )
