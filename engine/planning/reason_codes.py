"""The kinds of reasons why a step runs, and what each says in English; another language has texts of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

ReasonCode = Literal[
    "never_cached",
    "first_run",
    "evicted",
    "evicted_model",
    "evicted_quick",
    "version",
    "code",
    "folder_from",
    "folder",
    "model_file",
    "outside",
    "value",
    "file_content",
    "model_file_input",
    "unwired",
    "wired",
    "rewired",
    "upstream",
    "upstream_many",
    "inputs",
]

TEXTS: Mapping[ReasonCode, str] = {
    "never_cached": "never cached by its author",
    "first_run": "has not run before",
    "evicted": "evicted",
    "evicted_model": "evicted: a loaded model is kept in memory only",
    "evicted_quick": "evicted: quicker to compute than to keep on disk",
    "version": "{type} version {before} -> {after}",
    "code": "code of plugin {plugin} changed",
    "folder_from": "saves to {after} instead of {before}",
    "folder": "saves to another folder",
    "model_file": "model file changed",
    "outside": "something outside the graph changed",
    "value": "{input}: {before} -> {after}",
    "file_content": "{input}: {file} changed",
    "model_file_input": "model file changed ({input}: {file})",
    "unwired": "the wire into {input} was taken off",
    "wired": "{input} now comes from {after}",
    "rewired": "{input} comes from {after} instead of {before}",
    "upstream": "upstream {nodes} changed",
    "upstream_many": "upstream {nodes} and {more} more changed",
    "inputs": "its inputs changed",
}
assert set(TEXTS) == set(get_args(ReasonCode))


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason why a step runs.

    Attributes:
        code: its kind.
        params: what its text names: nodes, inputs, values before and after.
    """

    code: ReasonCode
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The reason in English."""
        return TEXTS[self.code].format_map(self.params)


def text_of(reasons: Sequence[Reason]) -> str:
    """Several reasons as one text."""
    return "; ".join(reason.text for reason in reasons)
