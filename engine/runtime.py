"""Everything that is needed to run workflows on one device, put together: used by the command line and by workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.cache import Budgets, Cache, Codecs, DiskStore, read_chosen
from engine.cancel import CancelToken
from engine.document.workflow import Workflow
from engine.events import EventSink
from engine.execution.answers import Answers
from engine.execution.checkpoints import CheckpointStore
from engine.execution.executor import Executor
from engine.execution.kept_states import KeptStates
from engine.execution.lanes import LaneLimits
from engine.execution.run_result import RunResult
from engine.execution.secrets import Secrets, missing_secrets
from engine.file_digests import SHARED, FileDigests
from engine.folders import Folders
from engine.graph.graph import Graph, inspect
from engine.graph.infer import infer
from engine.graph.needed import problems_of
from engine.isolation.loading import IsolatedPlugins, with_isolated
from engine.node_types.registry import Registry
from engine.planning.ledger import Ledger
from engine.planning.plan import Plan, make_plan
from engine.plugins.discovery import Discovered, discover
from engine.plugins.trials import Trials
from engine.problems import Problem, WorkflowError


@dataclass(slots=True)
class Runtime:
    """Plugins, cache, ledger and executor over one data folder. Made with :meth:`open`, ended with :meth:`close`."""

    folders: Folders
    discovered: Discovered
    registry: Registry
    cache: Cache
    ledger: Ledger
    executor: Executor
    files: FileDigests
    codecs: Codecs

    @classmethod
    def open(
        cls,
        folders: Folders,
        *,
        device: str = "cpu",
        memory: int | None = None,
        device_memory: int | None = None,
        disk: int | None = None,
        limits: LaneLimits | None = None,
        discovered: Discovered | None = None,
    ) -> Runtime:
        """Discover plugins and open the cache.

        Args:
            folders: where data lies.
            device: as torch writes it (``"cpu"``, ``"cuda:0"``).
            memory: budget of the host tier in bytes. What is not given is what has been set for this data folder, or
                what the machine allows (:mod:`engine.cache.budgets`).
            device_memory: budget of the device tier in bytes.
            disk: cap of the disk tier in bytes; 0 for none.
            limits: how many nodes run at once.
            discovered: plugins, when they were found already.
        """
        SHARED.remember_in(folders.data / "digests.json")
        discovered = discovered or discover_in(folders)
        registry = discovered.registry()
        codecs = codecs_of(registry)
        given = {"memory": memory, "device": device_memory, "disk": disk}
        chosen = read_chosen(folders.cache_budgets) | {tier: size for tier, size in given.items() if size is not None}
        budgets = Budgets.of(chosen, folders.cache, device, registry.buffers)
        cache = Cache(
            memory=budgets.memory,
            device=budgets.device,
            disk=DiskStore(folders.cache, codecs, budgets.disk) if budgets.disk else None,
            adapters=registry.buffers,
        )
        executor = Executor(
            registry,
            cache,
            device=device,
            output_folder=folders.outputs,
            limits=limits,
            checkpoints=CheckpointStore(folders.data / "checkpoints", codecs),
            kept=KeptStates(folders.data / "kept", codecs),
            secrets=Secrets(folders.data),
            keys_folder=folders.data / "keys",
        )
        return cls(
            folders,
            discovered,
            registry,
            cache,
            Ledger(folders.data / "ledger.sqlite"),
            executor,
            SHARED,
            codecs,
        )

    def with_plugins(self, discovered: Discovered) -> Runtime:
        """A runtime of other plugins over the same data. Runs of this one go on with the code that they began with."""
        registry = discovered.registry()
        self.codecs.learn(registry.classes())
        executor = self.executor.with_registry(registry)
        return replace(self, discovered=discovered, registry=registry, executor=executor)

    def problems(self, workflow: Workflow) -> list[Problem]:
        """Every mistake that can be found without running anything; empty when the workflow is sound."""
        return self._inspect(workflow)[1]

    def _inspect(self, workflow: Workflow) -> tuple[Graph, list[Problem], dict[str, dict[str, Any]]]:
        graph, problems = inspect(workflow, self.registry, self.folders)
        facts, found = infer(graph)
        known = {(problem.node, problem.socket) for problem in problems}
        problems += missing_secrets(graph, self.executor.secrets)
        return (
            graph,
            problems + [problem for problem in found if (problem.node, problem.socket) not in known],
            facts,
        )

    def facts(self, workflow: Workflow) -> dict[str, dict[str, Any]]:
        """What is known of each node's outputs before anything runs (sizes, lengths, families)."""
        return self._inspect(workflow)[2]

    def check(self, workflow: Workflow, targets: Sequence[str] | None = None) -> Graph:
        """The checked graph. With ``targets``, only what these nodes need has to be right.

        Raises:
            WorkflowError: with every mistake.
        """
        graph, problems, _ = self._inspect(workflow)
        problems = problems_of(workflow, problems, targets)
        if problems:
            raise WorkflowError(problems)
        return graph

    def plan(self, workflow: Workflow | Graph, targets: Sequence[str] | None = None) -> Plan:
        """What running the targets (all output nodes by default) would do.

        Raises:
            WorkflowError: with every mistake.
        """
        graph = workflow if isinstance(workflow, Graph) else self.check(workflow, targets)
        return make_plan(
            graph,
            targets,
            cache=self.cache,
            ledger=self.ledger,
            files=self.files,
            outputs=str(self.folders.outputs),
            plugins=self.discovered.plugins,
        )

    def run(
        self,
        workflow: Workflow | Graph | Plan,
        *,
        targets: Sequence[str] | None = None,
        on_event: EventSink | None = None,
        cancel: CancelToken | None = None,
        previews: Callable[[], bool] | None = None,
        save_workflow: bool = True,
        answers: Answers | None = None,
    ) -> RunResult:
        """Plan (unless it is a plan already) and run.

        Raises:
            WorkflowError: with every mistake, before anything runs.
        """
        plan = workflow if isinstance(workflow, Plan) else self.plan(workflow, targets)
        document = plan.graph.workflow
        return self.executor.run(
            plan,
            on_event=on_event,
            cancel=cancel,
            previews=previews,
            workflow=(lambda: document.to_json(indent=None)) if save_workflow else "",
            answers=answers,
        )

    def close(self) -> None:
        """Finish writing and end the threads."""
        self.executor.close()
        self.ledger.close()
        self.discovered.ending()


def discover_in(folders: Folders) -> Discovered:
    """All plugins; new code is tried in a process beside this one first."""
    trials = Trials(folders.plugin_trials)
    try:
        return with_isolated(discover([folders.plugins], trials), IsolatedPlugins(folders))
    finally:
        trials.close()


def codecs_of(registry: Registry) -> Codecs:
    """Codecs for everything that stands on a socket of the registry."""
    return Codecs(registry.classes(), registry.buffers)
