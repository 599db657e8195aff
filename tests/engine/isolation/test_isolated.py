"""Nodes of every form in a process of their own; what crosses, what fails, and what it does not take down."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.cancel import CancelToken
from engine.isolation.describing import CONTEXT
from engine.node_types.context import NodeContext
from engine.node_types.registry import Registry
from engine.node_types.schema import describe
from engine.plugins.code import Code
from engine.plugins.discovery import Candidate, discover, load
from engine.problems import WorkflowError
from kinograph import Facts, Frames
from kinograph.commands.documents import read_document
from nodes.clips.pixels import bytes_to_frames
from nodes.clips.resampling import resize
from nodes.clips.upscaling import upscale_video
from tests.engine.isolation.conftest import Session, document


def call(session: Session, type_id: str, **arguments: Any) -> Any:
    """A node's function, as the engine calls it."""
    return session.runtime.registry[type_id].function(**arguments, **{CONTEXT: NodeContext()})


# ------------------------------------------------------------------------------------- two environments


def test_two_plugins_with_contradicting_versions_of_a_library_work_in_one_graph(session: Session) -> None:
    clip = Frames(torch.full((3, 4, 4, 3), 0.5))
    assert session.value("reds.Version") == 1
    assert session.value("blues.Version") == 2
    painted = call(session, "blues.Paint", frames=call(session, "reds.Paint", frames=clip))
    assert painted.pixels[0, 0, 0].tolist() == [1.0, 0.0, 0.0]
    assert painted.pixels[1, 0, 0].tolist() == [0.5, 0.5, 0.5]
    assert painted.pixels[2, 0, 0].tolist() == [0.0, 0.0, 1.0]
    result = session.run(
        {"red": ("reds.Version", {}), "blue": ("blues.Version", {}), "both": ("MakeList", {})},
        ("red", "value", "both", "items.0"),
        ("blue", "value", "both", "items.1"),
    )
    assert result.values["both"] == {"values": [1, 2]}


def test_the_worker_has_neither_version(session: Session) -> None:
    import sys

    session.value("reds.Version")
    assert not {"palette", "reds", "blues"} & sys.modules.keys()


# ------------------------------------------------------------------------------------- forms


def test_plain_and_asynchronous_functions_and_their_defaults(session: Session) -> None:
    assert session.value("sample.Hello") == "Hello, you"
    assert session.value("sample.Hello", name="Ada", loud=True) == "HELLO, ADA"
    assert session.value("sample.GreetLater", name="Ada") == "Hello later, Ada"


def test_tensors_cross(session: Session) -> None:
    clip = Frames(torch.rand(3, 4, 6, 3), 12.0)
    made = call(session, "sample.Doubled", frames=clip, brightness=0.5)
    assert made.fps == 12.0
    assert torch.equal(made.pixels, (clip.pixels * 0.5).repeat_interleave(2, 0))


MADE = """
import os
from kinograph import Frames, empty, node

written = []
genuine = os.pwrite

def counted(descriptor, data, at):
    written.append(len(data))
    return genuine(descriptor, data, at)

os.pwrite = counted

@node("probe.Grey")
def grey(level: float = 0.5) -> Frames:
    '''Make a grey clip in memory that crosses.'''
    return Frames(empty(4, 64, 64, 3).fill_(level), 12.0)

@node("probe.Written")
def written_so_far(after: Frames) -> int:
    '''How many bytes this process has copied into shared memory.'''
    return sum(written)
"""


def test_a_clip_that_a_node_makes_in_memory_for_it_is_never_copied(probe: Callable[..., Session]) -> None:
    session = probe(MADE)
    clip = call(session, "probe.Grey", level=0.25)
    assert clip.pixels.unique().tolist() == [0.25]
    assert call(session, "probe.Written", after=clip) == 0


MADE_HERE = {
    "read from a file": lambda: bytes_to_frames([np.full((64, 64, 3), 90, np.uint8)] * 4, 12.0).pixels,
    "of another size": lambda: resize(torch.rand(2, 32, 32, 3), 64, 64),
    "enlarged": lambda: upscale_video(NodeContext(), Frames(torch.rand(1, 32, 32, 3), 12.0)).pixels,
}


@pytest.mark.parametrize("make", MADE_HERE.values(), ids=MADE_HERE)
def test_clips_that_kinographs_own_nodes_make_cross_without_a_copy_too(
    session: Session, make: Callable[[], torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert session.value("sample.Hello") == "Hello, you"
    clip = Frames(make(), 12.0)
    monkeypatch.setattr(os, "pwrite", lambda *_: pytest.fail("a copy was made"))
    made = call(session, "sample.Doubled", frames=clip, brightness=0.5)
    assert torch.equal(made.pixels, (clip.pixels * 0.5).repeat_interleave(2, 0))


def test_several_outputs_free_outputs_lists_and_generators(session: Session) -> None:
    assert tuple(call(session, "sample.Measured", frames=Frames(torch.zeros(1, 4, 6, 3)))) == (6, 4)
    assert session.run({"n": ("sample.Named", {"text": "x,y"})}).values["n"] == {"x": "X", "y": "Y"}
    assert session.value("sample.CountDown", start=3) == [3, 2, 1]
    joined = session.run(
        {"a": ("Text", {"value": "a"}), "b": ("Text", {"value": "bbb"}), "n": ("sample.Longest", {})},
        ("a", "value", "n", "items.0"),
        ("b", "value", "n", "items.1"),
    )
    assert joined.values["n"] == {"value": "bbb"}


def test_a_lazy_input_that_is_not_asked_for_is_not_computed(session: Session) -> None:
    nodes = {
        "first": ("Boolean", {"value": True}),
        "a": ("Text", {"value": "wanted"}),
        "b": ("sample.Raising", {}),
        "n": ("sample.Chosen", {}),
    }
    wires = [("first", "value", "n", "first"), ("a", "value", "n", "a"), ("b", "value", "n", "b")]
    result = session.runtime.run(document(nodes, *wires), targets=["n"])
    assert result.status == "succeeded", result.failures
    assert list(result.values["n"].values()) == ["wanted"]


def test_a_sub_graph_of_the_workers_nodes_comes_back(session: Session) -> None:
    assert session.value("sample.Twice", value=4.0) == 8.0


def test_values_of_the_plugins_own_class_are_carried_and_come_back(session: Session) -> None:
    nodes = {
        "warm": ("sample.Lit", {"tone": "warm"}),
        "cold": ("sample.Lit", {"tone": "cold"}),
        "both": ("MakeList", {}),
        "mixed": ("sample.Mixed", {}),
        "n": ("sample.ColourOf", {}),
    }
    result = session.run(
        nodes,
        ("warm", "lamp", "both", "items.0"),
        ("cold", "lamp", "both", "items.1"),
        ("both", "values", "mixed", "lamps"),
        ("mixed", "lamp", "n", "lamp"),
    )
    assert result.status == "succeeded", result.failures
    assert result.values["n"] == {"value": 0.625}
    lamp = result.values["mixed"]["lamp"]
    assert (lamp.tone, lamp.names) == ("mixed", ("lamp", "warm"))
    assert type(lamp).__module__ == "sample"


SOUND = """
import wave
from kinograph import NodeContext, SavedFile, node

@node("probe.Sound", output=True)
def sound(context: NodeContext, seconds: float = 0.1) -> SavedFile:
    '''Write silence.'''
    with context.output_file("quiet.wav", "audio/wav", workflow_beside=True) as file:
        with wave.open(str(file.path), "wb") as stream:
            stream.setnchannels(1)
            stream.setsampwidth(2)
            stream.setframerate(8000)
            stream.writeframes(bytes(int(16000 * seconds)))
    return file.saved
"""


def test_a_file_that_cannot_carry_its_workflow_has_it_beside_it_with_what_it_requires(
    probe: Callable[..., Session],
) -> None:
    session = probe(SOUND, {"files": ["outputs"]})
    result = session.run({"sound": ("probe.Sound", {"seconds": 0.25})})
    assert result.status == "succeeded", result.failures
    ((_, saved),) = result.files
    found = read_document(saved.path)
    assert found.nodes["sound"].values == {"seconds": 0.25}
    assert found.record["node"] == "sound"
    assert "probe" in json.dumps(found.requires)
    assert saved.path.with_name(f"{saved.path.name}.json").is_file()


def test_files_that_a_person_chose_can_be_read_and_output_files_written(session: Session, tmp_path: Path) -> None:
    chosen = tmp_path / "chosen.txt"
    chosen.write_text("a red ball")
    assert session.value("sample.ReadText", file=str(chosen)) == "a red ball"
    given = list((session.folders.environments / "sample" / "home" / "given").iterdir())
    assert given == []
    saved = session.value("sample.WriteText", text="words")
    assert saved.path.read_text() == "words"
    assert saved.path.parent == session.folders.outputs


def test_checkpoints_come_back(session: Session) -> None:
    kept: list[Any] = []
    context = NodeContext(_on_checkpoint=kept.append)
    function = session.runtime.registry["sample.Keep"].function
    assert function(steps=3, **{CONTEXT: context}) == [0, 3]
    assert kept[0] == {"step": 1}
    assert function(steps=3, **{CONTEXT: NodeContext(_restored={"step": 2})}) == [2, 3]


def test_hooks_are_asked_in_the_plugins_process(session: Session) -> None:
    with pytest.raises(WorkflowError, match="capital letters is shouting"):
        session.runtime.plan(document({"n": ("sample.Hello", {"name": "ADA"})}))
    infer = session.runtime.registry["sample.Doubled"].mark.infer
    assert infer is not None
    assert infer(frames=Facts(width=4, frames=3)) == Facts(width=4, frames=6)
    with pytest.raises(Exception, match="the clip is too long"):
        infer(frames=Facts(frames=101))


def test_the_editor_sees_the_same_as_of_a_plugin_in_the_worker(session: Session) -> None:
    root = Path(__file__).parents[2] / "sample_plugin" / "sample"
    plugin, errors = load(Candidate(Code("sample", root), str(root)), "")
    assert plugin is not None, errors
    here = Registry.of([*discover().registry(), *plugin.node_types])
    for node_type in plugin.node_types:
        theirs = describe(session.runtime.registry[node_type.id], session.runtime.registry.classes())
        ours = describe(node_type, here.classes())
        assert theirs.model_copy(update={"lane": ours.lane}) == ours


def test_progress_and_previews_reach_those_who_watch(session: Session) -> None:
    class Watching:
        def __init__(self) -> None:
            self.steps: list[float] = []
            self.pictures: list[bytes] = []

        def progress(self, step: float, total: float, message: str, preview: Any) -> None:
            self.steps.append(step / total)
            if len(self.steps) != 2 and callable(preview):
                self.pictures.append(preview().data)

    seen = Watching()
    context = NodeContext(_on_progress=seen.progress)
    function = session.runtime.registry["sample.Doubled"].function
    function(frames=Frames(torch.zeros(3, 2, 2, 3)), **{CONTEXT: context})
    assert seen.steps == [1 / 3, 2 / 3, 1.0]
    assert seen.pictures == [b"picture", b"picture"]


def test_log_messages_appear_beside_the_node(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("test.isolated")
    function = session.runtime.registry["sample.Doubled"].function
    with caplog.at_level("INFO", "test.isolated"):
        function(frames=Frames(torch.zeros(3, 2, 2, 3)), **{CONTEXT: NodeContext(logger=logger)})
    assert caplog.messages == ["doubled 3 frames"]


# ------------------------------------------------------------------------------------- endings


def test_errors_arrive_as_they_were_raised_with_their_traceback(session: Session) -> None:
    text = session.failure("sample.Raising", kind="invalid")
    assert "input 'kind': this kind is not wanted (wanted: another)" in text
    assert "trouble.py" in text
    assert "LookupError" in session.failure("sample.Raising", kind="odd")
    assert "nothing of the kind 'odd'" in session.failure("sample.Raising", kind="odd")


@pytest.mark.parametrize(
    ("type_id", "said"), [("sample.Crash", "crashed (SIGSEGV)"), ("sample.Leave", "ended its process (exit code 3)")]
)
def test_a_crash_fails_its_node_and_nothing_else(session: Session, type_id: str, said: str) -> None:
    result = session.run({"bad": (type_id, {}), "good": ("reds.Version", {}), "own": ("Int", {"value": 7})})
    assert result.status == "failed"
    assert [failure.node for failure in result.failures] == ["bad"]
    assert said in result.failures[0].message
    assert result.values["good"] == {"value": 1}
    assert session.value("sample.Hello") == "Hello, you"  # it is started again


def test_a_node_that_never_looks_up_is_cancelled_and_its_process_replaced(session: Session) -> None:
    cancel = CancelToken()
    threading.Timer(0.5, cancel.cancel).start()
    began = time.monotonic()
    result = session.run({"n": ("sample.Forever", {"salt": time.time_ns() % 1000})}, cancel=cancel)
    assert result.status == "cancelled"
    assert time.monotonic() - began < 20.0
    assert session.value("sample.Hello", name="again") == "Hello, again"


def test_the_process_ends_with_its_session(installed: Path) -> None:
    session = Session(installed)
    session.value("reds.Version")
    pid = next(process.pid for _, process in session.isolated._running.values() if process.pid)
    session.close()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{pid}").exists()
