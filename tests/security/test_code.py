"""What the product's own code never does, read from its syntax tree. Each rule is tried on an offence first."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = [path for room in ("engine", "nodes", "server", "kinograph") for path in (ROOT / room).rglob("*.py")]

PICKLE = {"pickle", "cPickle", "_pickle", "dill", "joblib", "cloudpickle", "shelve", "marshal"}
YAML = {"yaml", "ruamel", "oyaml"}
FOREIGN_FORMATS = {"h5py", "onnx", "keras", "tensorflow", "jinja2"}
CLIENTS = {"urllib.request", "http.client", "requests", "httpx", "ftplib", "smtplib", "huggingface_hub", "urllib3"}
HUB = "nodes/families/hub.py"
"""Fetches models: the one client, which a person starts from the command line of the machine."""
INSTALLERS = {"pip", "ensurepip", "setuptools", "uv"}


def imported(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, node.lineno
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def imports_of(source: str, names: set[str]) -> list[int]:
    """Lines that import one of these modules."""
    return [
        line
        for name, line in imported(ast.parse(source))
        if any(name == wanted or name.startswith(f"{wanted}.") for wanted in names)
    ]


def unsafe_loads(source: str) -> list[int]:
    """Lines that call ``torch.load``, ``np.load`` with pickle, or ``eval``, ``exec``, ``compile`` on a text."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        keywords = {word.arg: ast.unparse(word.value) for word in node.keywords}
        if called == "torch.load" and keywords.get("weights_only") != "True":
            found.append(node.lineno)
        if called in ("eval", "exec"):
            found.append(node.lineno)
        if called in ("np.load", "numpy.load") and keywords.get("allow_pickle", "False") != "False":
            found.append(node.lineno)
        if "trust_remote_code" in keywords and keywords["trust_remote_code"] != "False":
            found.append(node.lineno)
    return found


def offences(rule: object) -> list[str]:
    assert callable(rule)
    return [f"{path.relative_to(ROOT)}:{line}" for path in CODE for line in rule(path.read_text(encoding="utf-8"))]


def test_E08_E20_D26_nothing_reads_formats_that_can_run_code() -> None:
    assert imports_of("import pickle\nfrom yaml import load\nimport os", PICKLE | YAML) == [1, 2, 2]
    assert offences(lambda source: imports_of(source, PICKLE | YAML | FOREIGN_FORMATS)) == []
    assert unsafe_loads("torch.load(f)\nnp.load(f, allow_pickle=True)\ntorch.load(f, weights_only=True)") == [1, 2]
    assert offences(unsafe_loads) == []


def test_F03_F04_nothing_in_the_product_is_a_client_of_other_machines() -> None:
    assert imports_of("import urllib.request\nfrom urllib import request\nimport urllib.parse", CLIENTS) == [1, 2]
    assert [place for place in offences(lambda source: imports_of(source, CLIENTS)) if not place.startswith(HUB)] == []
    users = offences(lambda source: imports_of(source, {HUB.removesuffix(".py").replace("/", ".")}))
    assert users and all(place.startswith("kinograph/commands/models.py:") for place in users)


def starts_installer(source: str) -> list[int]:
    """Lines that name an installer in a list of words, as commands are written."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.List | ast.Tuple):
            words = [item.value for item in node.elts if isinstance(item, ast.Constant) and isinstance(item.value, str)]
            if any(word in INSTALLERS for word in words) and "install" in words:
                found.append(node.lineno)
    return found


@pytest.mark.parametrize("room", ["engine", "nodes", "server"])
def test_F09_no_room_that_runs_installs_anything(room: str) -> None:
    assert starts_installer("run([sys.executable, '-m', 'pip', 'install', name])") == [1]
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in (ROOT / room).rglob("*.py")
        for line in (*starts_installer(path.read_text()), *imports_of(path.read_text(), INSTALLERS))
    ]
    assert found == []


def test_F13_a_manifest_cannot_surprise() -> None:
    from engine.plugins.manifest import MAX_BYTES, ManifestError, parse_manifest, read_manifest

    good = '[plugin]\nname = "mine"\n'
    assert parse_manifest(good).name == "mine"
    for bad in (
        '[plugin]\nname = "mine"\napi = 2\n',
        '[plugin]\nname = "../mine"\n',
        '[plugin]\nname = "mine"\nhomepage = "javascript:alert(1)"\n',
        '[plugin]\nname = "mine"\nhomepage = "https://x/<script>"\n',
        '[plugin]\nname = "mine"\nweb = "../../etc"\n',
        '[plugin]\nname = "mine"\nunknown = 1\n',
        "[plugin]\nname = " + "[" * 5000,
        f'[plugin]\nname = "mine"\ndescription = "{"x" * 100_000}"\n',
    ):
        with pytest.raises(ManifestError):
            parse_manifest(bad)
    assert MAX_BYTES < 10 << 20
    assert read_manifest(Path("/nowhere")) is None


def test_F13_a_manifest_of_ten_megabytes_is_not_read(tmp_path: Path) -> None:
    from engine.plugins.manifest import FILE, ManifestError, read_manifest

    (tmp_path / FILE).write_bytes(b"#" * (10 << 20))
    with pytest.raises(ManifestError, match="larger"):
        read_manifest(tmp_path)


def test_F14_a_socket_type_that_is_said_by_a_dotted_path_imports_nothing() -> None:
    import sys

    from engine.node_types.authoring import node
    from engine.node_types.described import registry_of
    from engine.node_types.schema import NodeTypeInfo, describe
    from engine.node_types.signature import read_node

    @node("hostile.Node")
    def hostile(value: float) -> float:
        return value

    said = describe(read_node(hostile)).model_dump_json().replace('"float"', '"antigravity.Flight"')
    assert "antigravity.Flight" in said
    (socket,) = registry_of([NodeTypeInfo.model_validate_json(said)])["hostile.Node"].inputs.values()
    (stand_in,) = socket.type.classes
    assert "antigravity" not in sys.modules
    assert [name for name in vars(stand_in) if not name.startswith("__")] == []
