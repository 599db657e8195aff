"""One declaration of a workflow's inputs: types, ranges and defaults come from the values that they stand for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from engine.graph.form import Field, fields_of, filled, form_schema, from_text
from engine.node_types.registry import Registry
from engine.plugins.discovery import discover
from engine.problems import WorkflowError
from tests.engine.documents import document


@pytest.fixture(scope="module")
def registry() -> Registry:
    return discover().registry()


def workflow():
    return document(
        {
            "prompt": ("TextEncode", {"prompt": "a ball"}),
            "noise": ("NoiseLatent", {"seed": 7}),
            "save": ("SaveVideo", {}),
            "ghost": ("pack.Unknown", {"x": [1]}),
            "load": ("LoadImage", {}),
        },
        inputs={
            "prompt": {"node": "prompt", "socket": "prompt", "label": "What to see"},
            "seed": {"node": "noise", "socket": "seed"},
            "format": {"node": "save", "socket": "format"},
            "picture": {"node": "load", "socket": "file"},
            "odd": {"node": "ghost", "socket": "x", "doc": "Whatever the plugin takes."},
            "lost": {"node": "gone", "socket": "y"},
        },
        meta={"title": "A form"},
    )


def test_fields_take_type_range_and_default_from_the_node(registry):
    fields = {field.name: field for field in fields_of(workflow(), registry)}
    assert list(fields) == ["prompt", "seed", "format", "picture", "odd", "lost"]
    assert (fields["prompt"].label, fields["prompt"].types, fields["prompt"].default) == (
        "What to see", ("string",), "a ball")  # fmt: skip
    assert (fields["seed"].label, fields["seed"].types, fields["seed"].limits.ge) == ("Seed", ("integer",), 0)
    assert fields["seed"].doc.startswith("the number that fixes the noise")
    assert "mp4" in fields["format"].choices and fields["format"].default == "mp4"
    assert (fields["picture"].file, fields["picture"].required) == ("image", True)
    assert (fields["odd"].types, fields["odd"].default, fields["lost"].required) == ((), [1], True)
    assert (fields["seed"].hint, fields["prompt"].hint, fields["odd"].hint) == (int, str, Any)


def test_the_schema_accepts_what_the_node_accepts(registry):
    schema = form_schema(workflow(), fields_of(workflow(), registry))
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema).is_valid
    assert check({"picture": "x.png", "lost": 1})
    assert check({"picture": "x.png", "lost": 1, "seed": 3, "format": "webm", "odd": {"any": "thing"}})
    assert not check({"lost": 1})
    assert not check({"picture": "x.png", "lost": 1, "seed": -1})
    assert not check({"picture": "x.png", "lost": 1, "format": "avi"})
    assert not check({"picture": "x.png", "lost": 1, "other": 1})
    assert schema["title"] == "A form"


def test_filling_in_changes_values_and_takes_the_place_of_wires():
    start = document(
        {"text": ("Text", {"value": "x"}), "encode": ("TextEncode", {})},
        ["text.value > encode.prompt"],
        inputs={"prompt": {"node": "encode", "socket": "prompt"}},
    )
    found = filled(start, {"prompt": "a cube"})
    assert found.nodes["encode"].values == {"prompt": "a cube"} and found.edges == []
    assert start.nodes["encode"].values == {} and len(start.edges) == 1
    assert filled(start, {"prompt": Path("a/b")}).nodes["encode"].values == {"prompt": "a/b"}


def test_every_unknown_input_is_named_at_once():
    with pytest.raises(WorkflowError) as caught:
        filled(workflow(), {"sed": 1, "lost": 2, "seed": 3})
    assert [problem.code for problem in caught.value.problems] == ["unknown_input", "unknown_node"]
    assert "did you mean 'seed'?" in caught.value.problems[0].message


@pytest.mark.parametrize(
    ("types", "text", "value"),
    [
        (("string",), "5", "5"),
        (("string",), "true", "true"),
        (("integer",), "5", 5),
        (("integer",), "five", "five"),
        (("number",), "1e-3", 0.001),
        (("number",), "NaN", "NaN"),
        (("boolean",), "false", False),
        (("boolean",), "yes", True),
        (("object",), '{"a": 1}', {"a": 1}),
        ((), "[1]", [1]),
        ((), "plain", "plain"),
    ],
)
def test_typed_text_becomes_a_value_of_the_wanted_kind(types, text, value):
    found = from_text(Field("x", "X", "", "n", "s", types), text)
    assert found == value and type(found) is type(value)


def test_choices_and_null():
    assert from_text(Field("x", "X", "", "n", "s", ("string", "integer"), choices=("1", 2)), "1") == "1"
    assert from_text(Field("x", "X", "", "n", "s", ("string", "integer"), choices=("1", 2)), "2") == 2
    assert from_text(Field("x", "X", "", "n", "s", ("integer",), optional=True), "") is None
