"""Hot reload: notice that a plugin's file was saved, and load that plugin again. Nothing else is touched.

New code is tried elsewhere first, like any foreign code. When it cannot be imported, the last version that worked stays
in use and the error is told. Kinograph's own nodes are not watched.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.isolation.loading import IsolatedPlugins, with_isolated
from engine.plugins.discovery import (
    OWN,
    Candidate,
    Discovered,
    Plugin,
    PluginError,
    candidates,
    load,
    twins,
    wants_isolation,
)
from engine.plugins.manifest import ManifestError, read_manifest
from engine.plugins.trials import Trials, environment

_STILL_OLD = "(its nodes are those of the last version that worked)"


class PluginWatch:
    """Compares the plugins' files with what was loaded, whenever :meth:`poll` is called.

    Args:
        discovered: what was loaded at the start.
        folders: drop-in folders.
        trials: where new code is tried.
        isolated: plugins in environments of their own, which come after the others.
    """

    def __init__(
        self,
        discovered: Discovered,
        folders: Sequence[Path],
        trials: Trials,
        isolated: IsolatedPlugins | None = None,
    ) -> None:
        self._isolated = isolated
        self._installs = isolated.stamp() if isolated is not None else ()
        self._folders = folders
        self._trials = trials
        self._environment = ""
        self._installed: list[Candidate] = []
        self._plugins = {plugin.name: plugin for plugin in discovered.plugins if plugin.home is not None}
        shared = twins(discovered.plugins)
        self._errors: dict[str, list[PluginError]] = {}
        for error in discovered.errors:
            if error not in shared:
                self._errors.setdefault(error.plugin, []).append(error)
        self._pending = set(discovered.pending)
        self._stamps = {candidate.code.name: candidate.code.stamp() for candidate in self._candidates()}

    @property
    def foreign(self) -> bool:
        """Whether there is any plugin beside Kinograph's own."""
        return bool(self._stamps)

    def poll(self) -> Discovered | None:
        """Load what has changed: everything that is there now, or ``None`` when nothing has changed."""
        found = self._candidates()
        stamps = {candidate.code.name: candidate.code.stamp() for candidate in found}
        gone = self._stamps.keys() - stamps.keys()
        settled = {name for name in self._pending if self._trials.over(name)}
        changed = [
            candidate
            for candidate in found
            if self._stamps.get(candidate.code.name) != stamps[candidate.code.name] or candidate.code.name in settled
        ]
        self._stamps = stamps
        self._pending -= settled | gone
        for name in gone:
            self._plugins.pop(name, None)
            self._errors.pop(name, None)
        installs = self._isolated.stamp() if self._isolated is not None else ()
        any_change = bool(gone) or installs != self._installs
        self._installs = installs
        for candidate in changed:
            any_change |= self._load(candidate)
        return self._discovered(found) if any_change else None

    def _candidates(self) -> list[Candidate]:
        """Those that may change: all but Kinograph's own. Installed packages are listed when some were installed."""
        now = environment()
        if now != self._environment:
            self._environment = now
            self._installed = [candidate for candidate in candidates()[0] if candidate.code.name != OWN]
        dropped, _ = candidates(self._folders, installed=False)
        known = {candidate.code.name for candidate in self._installed}
        return [*self._installed, *(candidate for candidate in dropped if candidate.code.name not in known)]

    def _load(self, candidate: Candidate) -> bool:
        """Try and load one plugin; whether anything is other than before."""
        code, name = candidate.code, candidate.code.name
        before = self._plugins.get(name)
        try:
            manifest = read_manifest(code.folder) if code.folder is not None else None
        except ManifestError as error:
            return self._tell(name, f"the plugin {name!r}: {error}")
        if manifest is not None and manifest.isolated:
            return self._tell(name, wants_isolation(code))
        fingerprint = code.fingerprint()
        same = before is not None and before.code == fingerprint and before.manifest == manifest
        if same and name not in self._errors:
            return False
        verdict = self._trials.verdicts([code], {name: fingerprint}, again=True)[name]
        if verdict.pending:
            self._pending.add(name)
        if verdict.message:
            return self._tell(name, f"the plugin {name!r} {verdict.message}", verdict.details)
        plugin, errors = load(candidate, fingerprint, manifest, again=True)
        if plugin is None:
            return self._tell(name, errors[0].message, errors[0].details)
        self._plugins[name] = plugin
        self._errors[name] = errors
        if not errors:
            del self._errors[name]
        return True

    def _tell(self, name: str, message: str, details: str = "") -> bool:
        text = f"{message} {_STILL_OLD}" if name in self._plugins else message
        errors = [PluginError(name, text, details)]
        changed = self._errors.get(name) != errors
        self._errors[name] = errors
        return changed

    def _discovered(self, found: list[Candidate]) -> Discovered:
        order = [OWN, *(candidate.code.name for candidate in found)]
        plugins: list[Plugin] = [self._plugins[name] for name in order if name in self._plugins]
        errors = [error for told in self._errors.values() for error in told]
        found_now = Discovered(plugins, [*errors, *twins(plugins)], set(self._pending))
        return found_now if self._isolated is None else with_isolated(found_now, self._isolated)
