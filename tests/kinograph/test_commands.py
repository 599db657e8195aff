"""The command line as a person uses it: what is printed, and the exit code. In process, except where noted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kinograph.commands import run_command

ROOT = Path(__file__).parent.parent.parent
Output = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    monkeypatch.setenv("KINOGRAPH_DATA_DIR", str(folder))
    return folder


def write(path: Path, nodes: dict[str, Any], edges: list[list[str]] | None = None) -> str:
    wires = [{"from": [a, b], "to": [c, d]} for a, b, c, d in edges or []]
    document = {"format": "kinograph-workflow", "version": 1, "nodes": nodes, "edges": wires}
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


@pytest.fixture
def sum_of_two(tmp_path: Path) -> str:
    nodes = {
        "a": {"type": "Int", "values": {"value": 2}},
        "sum": {"type": "Math", "values": {"operation": "add", "b": 3}},
    }
    return write(tmp_path / "sum.json", nodes, [["a", "value", "sum", "a"]])


def last_json(capsys: Output) -> dict[str, Any]:
    found = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert isinstance(found, dict)
    return found


def test_run_ends_with_one_line_of_json(sum_of_two: str, capsys: Output) -> None:
    assert run_command(["run", sum_of_two, "--json"]) == 0
    line = last_json(capsys)
    assert line["status"] == "succeeded"
    assert (line["nodes_run"], line["nodes_cached"]) == (2, 0)
    assert set(line) == {"status", "outputs", "seconds", "nodes_run", "nodes_cached"}


def test_an_image_is_saved_listed_and_found_again_in_the_cache(tmp_path: Path, capsys: Output) -> None:
    picture = tmp_path / "in.png"
    from PIL import Image

    Image.new("RGB", (32, 16), (200, 30, 30)).save(picture)
    nodes = {
        "load": {"type": "LoadImage", "values": {"file": "in.png"}},
        "save": {"type": "SaveImage", "values": {"name": "copy"}},
    }
    workflow = write(tmp_path / "copy.json", nodes, [["load", "frames", "save", "frames"]])
    out = tmp_path / "results"
    assert run_command(["run", workflow, "--json", "--output-dir", str(out)]) == 0
    (saved,) = last_json(capsys)["outputs"]
    assert saved["node"] == "save"
    assert Path(saved["path"]).parent == out
    assert run_command(["plan", workflow, "--json", "--output-dir", str(tmp_path / "elsewhere")]) == 0
    reasons = {step["node"]: step["reason"] for step in last_json(capsys)["steps"]}
    assert reasons["save"] == f"saves to {tmp_path / 'elsewhere'} instead of {out}"
    assert run_command(["run", workflow, "--json", "--output-dir", str(out)]) == 0
    again = last_json(capsys)
    assert again["outputs"] == [saved]
    assert again["nodes_run"] <= 1  # saving is cached on disk when it took long enough to be worth it
    # the picture carries its workflow and can be run itself
    assert run_command(["validate", saved["path"]]) in (0, 2)
    Path(saved["path"]).unlink()
    assert run_command(["run", workflow, "--json", "--output-dir", str(out)]) == 0
    assert Path(last_json(capsys)["outputs"][0]["path"]).is_file()


def test_a_cache_that_cannot_be_written_costs_no_result_and_is_told(
    data_folder: Path, tmp_path: Path, capsys: Output
) -> None:
    plugins = data_folder / "plugins"
    plugins.mkdir(parents=True)
    body = "def slow() -> int:\n    time.sleep(0.01)\n    return 1\n"
    (plugins / "slow.py").write_text(f"import time\nfrom kinograph import node\n\n@node('slow.Slow')\n{body}")
    workflow = write(tmp_path / "slow.json", {"slow": {"type": "slow.Slow", "values": {}}})
    (data_folder / "cache").write_text("a file where the folder should be")
    assert run_command(["run", workflow]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "1 run" in said
    assert "not everything could be kept" in said


def test_values_can_be_set_and_take_the_place_of_a_wire(sum_of_two: str, capsys: Output) -> None:
    assert run_command(["run", sum_of_two, "--json", "--target", "sum", "--set", "sum.a=40"]) == 0
    assert last_json(capsys)["nodes_run"] == 1


def test_declared_inputs_are_options(capsys: Output) -> None:
    workflow = str(ROOT / "workflows" / "text_to_video.json")
    options = ["--prompt", "a blue star spins", "--seed=7", "--json"]
    assert run_command(["plan", workflow, *options]) == 0
    capsys.readouterr()
    assert run_command(["validate", workflow, "--seed", "red"]) == 2
    assert "noise.seed: takes a whole number" in capsys.readouterr().err
    assert run_command(["validate", workflow, "--sed", "1"]) == 2
    assert "the workflow's own inputs are --prompt, --seed" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        run_command(["nodes", "--seed", "1"])


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("summ.b=1", "there is no node 'summ'; did you mean 'sum'?"),
        ("sum.c=1", "Math has no input 'c'"),
        ("sum", "has no value"),
        ("sum.operation=ad", "sum.operation: has no choice 'ad'"),
        ("sum.b=red", "sum.b: takes"),
    ],
)
def test_a_wrong_setting_names_node_and_socket(sum_of_two: str, capsys: Output, setting: str, expected: str) -> None:
    assert run_command(["run", sum_of_two, "--set", setting]) == 2
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("{", "not JSON: Expecting property name"),
        ("[]", "a workflow is a JSON object"),
        ('{"format": "other"}', "not a Kinograph workflow"),
        ('{"format": "kinograph-workflow", "version": 9}', "newer Kinograph"),
        (
            '{"format": "kinograph-workflow", "version": 1, "nodes": {"a": {"type": "Int", "values": {"value": NaN}}}}',
            "NaN",
        ),
        ('{"format": "kinograph-workflow", "version": 1, "nodes": {"a": {}, "a": {}}}', "stands twice"),
    ],
)
def test_a_broken_document_is_explained_without_a_traceback(
    tmp_path: Path, capsys: Output, content: str, expected: str
) -> None:
    path = tmp_path / "broken.json"
    path.write_text(content)
    assert run_command(["run", str(path)]) == 2
    error = capsys.readouterr().err
    assert expected in error
    assert "Traceback" not in error


def test_every_mistake_is_listed_at_once(tmp_path: Path, capsys: Output) -> None:
    nodes = {
        "x": {"type": "Maths", "values": {}},
        "n": {"type": "Int", "values": {"value": "seven", "valve": 1}},
        "d": {"type": "VAEDecode", "values": {}},
    }
    path = write(tmp_path / "many.json", nodes, [["n", "value", "d", "latent"], ["n", "value", "gone", "x"]])
    assert run_command(["validate", path]) == 2
    error = capsys.readouterr().err
    for expected in (
        "x: unknown node type 'Maths'; did you mean 'Math'?",
        "n.value: takes a whole number",
        "n.valve: Int has no input 'valve'; did you mean 'value'?",
        "d.latent: takes Latent, but n.value gives int",
        "d.vae: needs a value or a wire",
        "a wire names a node that is not there: 'gone'",
    ):
        assert expected in error


def test_a_cycle_is_spelled_out(tmp_path: Path, capsys: Output) -> None:
    nodes = {name: {"type": "Math", "values": {"b": 1}} for name in ("a", "b", "c")}
    wires = [["a", "value", "b", "a"], ["b", "value", "c", "a"], ["c", "value", "a", "a"]]
    assert run_command(["run", write(tmp_path / "cycle.json", nodes, wires)]) == 2
    assert "a -> b -> c -> a" in capsys.readouterr().err


def test_a_missing_file_and_a_missing_input_file(tmp_path: Path, capsys: Output) -> None:
    assert run_command(["run", str(tmp_path / "nothing.json")]) == 2
    assert "there is no file" in capsys.readouterr().err
    path = write(tmp_path / "w.json", {"load": {"type": "LoadVideo", "values": {"file": "clip.mp4"}}})
    assert run_command(["run", path]) == 2
    assert "load.file: there is no video" in capsys.readouterr().err


def test_an_output_folder_that_cannot_be_written_is_refused_before_the_run(
    sum_of_two: str, tmp_path: Path, capsys: Output
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    assert run_command(["run", sum_of_two, "--output-dir", str(blocked)]) == 2
    assert "results cannot be saved in" in capsys.readouterr().err


def test_a_failing_node_is_named_and_the_exit_code_is_not_zero(tmp_path: Path, capsys: Output) -> None:
    path = write(tmp_path / "w.json", {"d": {"type": "Math", "values": {"a": 1, "b": 0, "operation": "divide"}}})
    assert run_command(["run", path, "--json"]) == 1
    line = last_json(capsys)
    assert line["status"] == "failed"
    assert line["failures"][0]["node"] == "d"


def test_plan_says_what_runs_and_why(sum_of_two: str, capsys: Output) -> None:
    assert run_command(["run", sum_of_two]) == 0
    capsys.readouterr()
    assert run_command(["plan", sum_of_two, "--set", "sum.b=4", "--json"]) == 0
    steps = {step["node"]: step for step in last_json(capsys)["steps"]}
    assert steps["sum"]["status"] == "run"
    assert steps["sum"]["reason"] == "b: 3 -> 4"


def test_nodes_lists_and_explains(capsys: Output) -> None:
    assert run_command(["nodes"]) == 0
    assert "DiTSampler" in capsys.readouterr().out
    assert run_command(["nodes", "DiTSampler"]) == 0
    assert "guidance: float" in capsys.readouterr().out
    assert run_command(["nodes", "DiTSample"]) == 2
    assert "did you mean 'DiTSampler'?" in capsys.readouterr().err
    assert run_command(["nodes", "--json"]) == 0
    described = json.loads(capsys.readouterr().out)["node_types"]
    assert {"id", "inputs", "outputs", "category", "doc"} <= set(described[0])


def test_a_broken_plugin_is_reported_and_the_rest_works(data_folder: Path, sum_of_two: str, capsys: Output) -> None:
    (data_folder / "plugins").mkdir(parents=True)
    (data_folder / "plugins" / "broken.py").write_text("import not_there")
    (data_folder / "plugins" / "leaver.py").write_text("import sys; sys.exit(3)")
    (data_folder / "plugins" / "good.py").write_text(
        "from kinograph import node\n"
        "@node('good.Twice', category='demo')\n"
        "def twice(x: int) -> int:\n    'Twice.'\n    return 2 * x\n"
    )
    assert run_command(["plugins"]) == 1
    text = capsys.readouterr().out
    assert "'broken' cannot be imported: ModuleNotFoundError" in text
    assert "'leaver' cannot be imported: it tried to end the program (exit code 3)" in text
    assert "good" in text
    assert run_command(["run", sum_of_two]) == 0


@pytest.mark.parametrize("name", ["engine", "nodes", "server"])
def test_the_script_refuses_a_foreign_package_of_the_same_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from kinograph.__main__ import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode != 0
    assert str(tmp_path / name / "__init__.py") in done.stderr


def test_a_sampling_run_is_forked_on_the_command_line(tmp_path: Path, capsys: Output) -> None:
    nodes = {
        "load": {"type": "LoadModel"},
        "prompt": {"type": "TextEncode", "values": {"prompt": "a red ball"}},
        "noise": {"type": "NoiseLatent", "values": {"width": 16, "height": 16, "frames": 1}},
        "sampler": {"type": "DiTSampler", "values": {"steps": 4}},
    }
    wires = "load model noise model,load encoder prompt encoder,load model sampler model,"
    wires += "prompt conditioning sampler positive,noise latent sampler latent"
    file = write(tmp_path / "clip.json", nodes, [wire.split() for wire in wires.split(",")])
    assert run_command(["run", file, "--fork", "sampler@3", "--set", "prompt.prompt=a blue square", "--json"]) == 0
    assert last_json(capsys)["nodes_run"] == 6, "the old prompt and the first steps are nodes of their own"
    assert run_command(["run", file, "--fork", "sampler", "--json"]) == 2
    assert "NODE@STEP" in capsys.readouterr().err
    assert run_command(["run", file, "--fork", "noise@3", "--json"]) == 2
    assert "no steps to fork from" in capsys.readouterr().err
