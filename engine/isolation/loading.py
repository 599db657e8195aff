"""Node types of the plugins that are installed in environments of their own. Reads records; starts no process."""

from __future__ import annotations

from pathlib import Path

from engine.folders import Folders
from engine.isolation.describing import FORMAT, node_types_of
from engine.isolation.host import IsolatedPlugin, Places
from engine.isolation.installed import RECORD, Installed, read_installed
from engine.plugins import Discovered, Plugin, PluginError, twins


class IsolatedPlugins:
    """All of one data folder. Processes of plugins that have not changed are kept when it loads again."""

    def __init__(self, folders: Folders) -> None:
        self._root = folders.environments
        self._places = Places(folders.inputs, folders.outputs, folders.models)
        self._running: dict[str, tuple[Installed, IsolatedPlugin]] = {}
        self.errors: list[PluginError] = []

    def stamp(self) -> tuple[tuple[str, int], ...]:
        """Another value means that something was installed, removed or changed."""
        found = []
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
                process = known[1] if known is not None and known[0] == installed else self._process(folder, installed)
                self._running[installed.name] = (installed, process)
                node_types = node_types_of(
                    installed.described, installed.name, registry, process.function, process.hook
                )
                process.know(node_types, registry.classes(), registry.buffers)
                plugins.append(
                    Plugin(
                        installed.name,
                        "isolated",
                        installed.version,
                        installed.described["code"],
                        installed.described.get("seconds", 0.0),
                        node_types=node_types,
                        manifest=installed.manifest,
                    )
                )
                self.errors += [PluginError(installed.name, message) for message in installed.described["errors"]]
        for name, (_, process) in before.items():
            if name not in self._running or self._running[name][1] is not process:
                process.retire()
        return plugins

    def _process(self, folder: Path, installed: Installed) -> IsolatedPlugin:
        return IsolatedPlugin(folder, installed, self._places)

    def close(self) -> None:
        """End all processes."""
        for _, process in self._running.values():
            process.close()


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
