"""``from kinograph import Graph``: write, run, look; in scripts, in notebooks, and beside an event loop."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from engine.document.workflow import Workflow
from engine.events import NodeFailed, NodeFinished, NodeProgress, NodeStarted, RunFinished, RunStarted
from engine.problems import WorkflowError
from kinograph import Graph, Result, RunFailed
from kinograph.commands import run_command
from kinograph.notebook import NotebookBar, media_html, narrator

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KINOGRAPH_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def adder() -> Graph:
    graph = Graph("Add up", "Adds two numbers.")
    first = graph.add("Int", "first", value=2)
    graph.add("Math", "sum", operation="add", a=first.value, b=3)
    graph.input("first", first, "value", doc="The first number.")
    graph.input("second", "sum", "b")
    return graph


def picture(folder: Path) -> Graph:
    folder.mkdir(exist_ok=True)
    Image.new("RGB", (32, 16), (200, 30, 30)).save(folder / "in.png")
    graph = Graph("Picture")
    load = graph.add("LoadImage", file=folder / "in.png")
    graph.add("SaveImage", "save", frames=load.frames, name="red")
    return graph


def test_a_run_gives_the_values_of_what_nobody_reads(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = adder().run()
    assert (result.status, result["sum"]["whole"], result.files) == ("succeeded", 5, [])
    assert "sum (Math)" in capsys.readouterr().out
    assert adder().run(progress=False, first=40)["sum"]["whole"] == 43
    assert capsys.readouterr().out == ""
    graph = adder()
    assert graph.run(progress=False, targets=[graph["first"]])["first"] == {"value": 2}
    with pytest.raises(KeyError, match="run with targets"):
        result["first"]


def test_mistakes_and_failures_are_errors_with_everything_known(folder: Path) -> None:
    graph = adder()
    graph.add("Math", "wrong", operation="add", a="x", b=[])
    with pytest.raises(WorkflowError) as caught:
        graph.run(progress=False)
    assert {problem.node for problem in caught.value.problems} == {"wrong"}
    with pytest.raises(WorkflowError, match="no input 'third'"):
        adder().run(third=1)
    graph = adder()
    graph.add("Math", "bad", operation="divide", a=1, b=0)
    with pytest.raises(RunFailed, match="bad: ") as failed:
        graph.run(progress=False)
    assert failed.value.result.values["sum"]["whole"] == 5


def test_results_stay_in_memory_from_one_run_to_the_next(folder: Path) -> None:
    assert picture(folder).run(progress=False).nodes_run == 2
    again = picture(folder).run(progress=False)
    assert (again.nodes_run, again.nodes_cached) == (0, 2)
    assert [path.name for path in again.files] == ["red_0001.png"]
    elsewhere = picture(folder).run(progress=False, output_dir=folder / "other")
    assert elsewhere.files[0].parent == folder / "other"


def test_a_notebook_shows_what_was_made(folder: Path) -> None:
    result = picture(folder).run(progress=False)
    shown = result._repr_html_()
    assert shown.startswith('<figure><img src="data:image/png;base64,') and "red_0001.png" in shown
    result.files[0].unlink()
    assert result._repr_html_() == f"<p><code>{result.files[0]}</code></p>"
    clip = folder / "a<b.mp4"
    clip.write_bytes(b"\0" * 10)
    assert '<video controls loop muted autoplay src="data:video/mp4;base64,' in media_html([(clip, "video/mp4")])
    assert "a&lt;b.mp4" in media_html([(clip, "video/mp4")])


def test_a_notebook_shows_progress_as_a_bar(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    class Handle:
        def update(self, bar: NotebookBar) -> None:
            shown.append(bar._repr_html_())

    def display(bar: NotebookBar, *, display_id: bool) -> Handle:
        assert display_id
        shown.append(bar._repr_html_())
        return Handle()

    notebook: Any = types.ModuleType("IPython")
    notebook.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    module: Any = types.ModuleType("IPython.display")
    module.display = display
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    adder().run()
    assert 'value="0.000"' in shown[0] and "starting" in shown[0]
    assert 'value="1.000"' in shown[-1] and "2/2 <code>done in " in shown[-1]
    bar = NotebookBar(Workflow.model_validate({"nodes": {"a": {"type": "T", "title": "<Main>"}}}), display)
    for event in (RunStarted(2, 0), NodeStarted("a"), NodeProgress("a", 5, 10)):
        bar.tell(event)
    assert 'value="0.250"' in bar._repr_html_() and "&lt;Main&gt; 5/10" in bar._repr_html_()
    bar.tell(NodeFinished("a", 0.1, 1))
    assert 'value="0.500"' in bar._repr_html_()
    assert repr(bar) == "1/2 <Main> 5/10"
    bar.tell(NodeFailed("a", "Error", "it broke"))
    bar.tell(RunFinished("failed", 1.0, 1, 0))
    assert "&lt;Main&gt;: it broke" in bar._repr_html_()
    bar.tell(RunFinished("cancelled", 1.0, 1, 0))
    assert "stopped" in bar._repr_html_()


def test_a_bar_that_was_interrupted_is_shown_as_it_was_last(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    handle = types.SimpleNamespace(update=lambda bar: shown.append(repr(bar)))
    monkeypatch.setattr("kinograph.notebook._notebook_display", lambda: lambda *_, **__: handle)
    with pytest.raises(KeyboardInterrupt), narrator(adder().workflow, show=True) as tell:
        assert tell is not None
        tell(RunStarted(2, 0))
        raise KeyboardInterrupt
    assert shown[-1] == "0/2 starting"


def test_a_graph_says_what_it_is(folder: Path) -> None:
    assert repr(picture(folder)) == "<Graph 'Picture' of 2 nodes>"


async def test_the_event_loop_goes_on_beside_a_run(folder: Path) -> None:
    results = await asyncio.gather(*(adder().run_async(first=number) for number in range(3)))
    assert [result["sum"]["whole"] for result in results] == [3, 4, 5]
    with pytest.raises(RunFailed):
        graph = adder()
        graph.add("Math", "bad", operation="divide", a=1, b=0)
        await graph.run_async()


async def test_cancelling_the_task_stops_the_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = Graph()
    load = graph.add("LoadModel")
    noise = graph.add("NoiseLatent", model=load.model)
    prompt = graph.add("TextEncode", encoder=load.encoder, prompt="a ball")
    graph.add("DiTSampler", "sampler", model=load.model, positive=prompt.conditioning, latent=noise.latent, steps=1000)
    task = asyncio.create_task(graph.run_async())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_workflow_is_a_function_with_a_signature(folder: Path) -> None:
    add = adder().function(progress=False)
    assert add.__name__ == "add_up"
    signature = inspect.signature(add)
    assert list(signature.parameters) == ["first", "second"]
    assert (signature.parameters["first"].default, signature.parameters["first"].annotation) == (2, int)
    assert signature.return_annotation is Result
    assert "Adds two numbers." in (add.__doc__ or "") and "first: The first number." in (add.__doc__ or "")
    assert add(10, second=1)["sum"]["whole"] == 11
    assert add()["sum"]["whole"] == 5
    with pytest.raises(TypeError, match="third"):
        add(third=1)
    with pytest.raises(ValueError, match="declares no inputs"):
        Graph().function()


def test_an_exported_script_runs_by_itself(folder: Path, tmp_path: Path) -> None:
    file, script = tmp_path / "picture.json", tmp_path / "picture.py"
    picture(folder).save(file)
    assert run_command(["export", str(file), "--python", "-o", str(script)]) == 0
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, cwd=ROOT, check=True)
    saved = Path(done.stdout.splitlines()[-1])
    assert saved.name == "red_0001.png" and saved.is_file()
    # and the picture that it saved carries the document of the file
    assert Graph.read(saved).workflow.nodes == Graph.read(file).workflow.nodes


def test_export_as_json_takes_the_document_out_of_a_picture(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = picture(folder).run(progress=False).files[0]
    assert run_command(["export", str(saved), "--json"]) == 0
    assert '"type": "LoadImage"' in capsys.readouterr().out
