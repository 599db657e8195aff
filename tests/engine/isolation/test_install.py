"""``kinograph plugins install``: what is shown, what is pinned, what is refused, and that failing changes nothing."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from engine.isolation.installed import site_packages
from kinograph.commands.main import run_command
from kinograph.installing.install import conflicts, sha256_of
from kinograph.installing.sources import Options, fetch_wheel
from kinograph.installing.tools import InstallError
from kinograph.installing.wheels import NotAPlugin, read_wheel
from server.routes import ROUTES
from tests.wheels import skip_without_setuptools, write_wheel

ENTRY = {"kinograph.plugins": {"probe": "probe"}}
CODE = b'from kinograph import node\n\n@node("probe.One")\ndef one() -> int:\n    """Give one."""\n    return 1\n'


def kinograph(*words: str | Path) -> int:
    return run_command([str(word) for word in words])


def make(folder: Path, version: str = "1.0", code: bytes = CODE, manifest: str = "", **more: object) -> Path:
    """A plugin's wheel."""
    text = f'[plugin]\nname = "probe"\ndescription = "Only for tests"\n{manifest}'.encode()
    files = {"probe/__init__.py": code, "probe/kinograph.toml": text}
    return write_wheel(folder, "probe", version, files, entry_points=ENTRY, **more)  # type: ignore[arg-type]


def test_permissions_are_shown_before_anything_is_installed_and_no_is_no(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = make(tmp_path, manifest="[permissions]\nnetwork = true\nprocesses = true\n")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: "")
    assert kinograph("plugins", "install", wheel, "--no-index", "--data-dir", tmp_path / "data") == 1
    out = capsys.readouterr().out
    assert "Only for tests" in out
    assert "- network: talks to other machines" in out
    assert "- processes: starts other programs" in out
    assert "nothing was installed" in out
    assert not (tmp_path / "data" / "environments").exists()


def test_without_a_person_to_ask_nothing_is_installed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    assert kinograph("plugins", "install", make(tmp_path), "--no-index", "--data-dir", tmp_path / "data") == 1
    assert "--yes" in capsys.readouterr().out


def test_nothing_of_a_folder_runs_before_a_person_has_agreed_to_build_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a program was started")

    monkeypatch.setattr(subprocess, "run", never)
    (tmp_path / "setup.py").write_text("1 / 0")
    for terminal, said in ((True, "Build it?"), (False, "say --yes")):
        asked: list[str] = []
        monkeypatch.setattr("sys.stdin.isatty", lambda terminal=terminal: terminal)
        monkeypatch.setattr("builtins.input", lambda question, asked=asked: asked.append(question) or "n")
        for spec in (str(tmp_path), "git+https://example.com/x"):
            assert kinograph("plugins", "install", spec, "--data-dir", tmp_path / "data") == 1
            out = capsys.readouterr().out + "".join(asked)
            assert "That runs its build script, which may do everything that you may" in out
            assert said in out
            assert "nothing was installed" in out


def test_installed_replaced_listed_and_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data"
    for version in ("1.0", "2.0"):
        wheel = make(tmp_path / version, version)
        assert kinograph("plugins", "install", wheel, "--yes", "--no-index", "--data-dir", data) == 0
        (data / "environments" / "probe" / "home" / "kept.txt").write_text(version)
    lock = (data / "environments" / "probe" / "lock.txt").read_text()
    assert lock == f"probe==2.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"
    assert (data / "environments" / "probe" / "home" / "kept.txt").read_text() == "2.0"
    assert [path.name for path in (data / "environments").iterdir()] == ["probe"]
    capsys.readouterr()
    assert kinograph("plugins", "info", "probe", "--data-dir", data) == 0
    assert "probe.One" in capsys.readouterr().out
    assert kinograph("plugins", "list", "--data-dir", data) == 0
    assert re.search(r"probe +2\.0 +1 nodes .* isolated", capsys.readouterr().out)
    assert kinograph("plugins", "remove", "probe", "--data-dir", data) == 0
    assert list((data / "environments").iterdir()) == []


def test_a_plugin_that_cannot_be_loaded_leaves_nothing_and_the_old_version_in_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    kinograph("plugins", "install", make(tmp_path / "1"), "--yes", "--no-index", "--data-dir", data)
    broken = make(tmp_path / "2", "2.0", b"1 / 0")
    assert kinograph("plugins", "install", broken, "--yes", "--no-index", "--data-dir", data) == 2
    err = capsys.readouterr().err
    assert "ZeroDivisionError" in err
    assert [path.name for path in (data / "environments").iterdir()] == ["probe"]
    assert "probe==1.0" in (data / "environments" / "probe" / "lock.txt").read_text()


def test_a_missing_dependency_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wheel = make(tmp_path, requires=["no-such-package-anywhere==1.0"])
    assert kinograph("plugins", "install", wheel, "--yes", "--no-index", "--data-dir", tmp_path / "data") == 2
    assert "no-such-package-anywhere" in capsys.readouterr().err


def test_a_wheel_that_is_another_than_the_locked_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from kinograph.installing import install

    genuine = install._install

    def swapped(python: str, lock: Path, wheel: object, options: Options) -> None:
        path = wheel.path  # type: ignore[attr-defined]
        make(path.parent, code=CODE + b"# planted\n")
        genuine(python, lock, wheel, options)  # type: ignore[arg-type]

    monkeypatch.setattr(install, "_install", swapped)
    assert kinograph("plugins", "install", make(tmp_path), "--yes", "--no-index", "--data-dir", tmp_path / "data") == 2
    assert "hash" in capsys.readouterr().err.lower()


def test_a_dependency_that_contradicts_kinograph_is_named(tmp_path: Path) -> None:
    other = write_wheel(tmp_path / "links", "pydantic", "1.0.0", {"pydantic_one.py": b""})
    wheel = make(tmp_path, requires=["pydantic==1.0.0"])
    found = conflicts(read_wheel(wheel), Options((other.parent,), no_index=True))
    assert len(found) == 1
    assert found[0].startswith("it needs pydantic 1.0.0, and Kinograph runs with 2.")


@pytest.mark.parametrize(
    "spec",
    [
        "--index-url=http://evil",
        "-r requirements.txt",
        "pkg; import os",
        "pkg\n--index-url http://evil",
        "http://example.com/x.whl",
        "git+http://example.com/x",
        "ext::sh -c true",
        "pkg @ file:///etc",
        "",
    ],
)
def test_a_spec_that_is_no_package_never_reaches_pip(
    spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a program was started")

    monkeypatch.setattr(subprocess, "run", never)
    with pytest.raises(InstallError, match="is not a package"):
        fetch_wheel(spec, tmp_path, Options())


@pytest.mark.parametrize("spec", ["./nowhere", "../nowhere", "/nowhere", "~/nowhere"])
def test_a_folder_that_is_not_there_is_said_to_be_missing(spec: str, tmp_path: Path) -> None:
    with pytest.raises(InstallError, match=r"there is no folder .*nowhere"):
        fetch_wheel(spec, tmp_path, Options())


def test_what_is_no_plugin_is_refused_before_any_of_it_runs(tmp_path: Path) -> None:
    plain = write_wheel(tmp_path / "plain", "plain", "1.0", {"plain.py": b""})
    with pytest.raises(NotAPlugin, match="no entry point"):
        read_wheel(plain)
    (tmp_path / "broken.whl").write_bytes(b"PK\x05\x06 nonsense")
    with pytest.raises(NotAPlugin, match="not a wheel"):
        read_wheel(tmp_path / "broken.whl")
    with zipfile.ZipFile(tmp_path / "bomb.whl", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x-1.dist-info/METADATA", b"Name: x\n" + b" " * (64 << 20))
    with pytest.raises(NotAPlugin, match="larger than"):
        read_wheel(tmp_path / "bomb.whl")


def test_a_description_cannot_paint_over_the_question(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    wheel = make(tmp_path, manifest='title = "x\\u001b[2J"\n')
    kinograph("plugins", "install", wheel, "--no-index", "--data-dir", tmp_path / "data")
    assert "\x1b" not in capsys.readouterr().out


def test_from_git_at_a_tag_in_a_subfolder_and_the_commit_is_written_down(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    skip_without_setuptools()
    repository, data = tmp_path / "many", tmp_path / "data"
    kinograph("plugins", "new", "sparkle", "--folder", repository / "packs" / "sparkle")

    def git(*words: str) -> str:
        identity = ["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "init.defaultBranch=main"]
        done = subprocess.run(["git", *identity, *words], cwd=repository, check=True, stdout=subprocess.PIPE, text=True)
        return done.stdout.strip()

    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "first"], ["tag", "v1"]):
        git(*words)
    commit = git("rev-parse", "HEAD")
    git("rm", "-q", "-r", "packs")
    git("commit", "-q", "-m", "all gone")
    spec = f"git+file://{repository}@v1#subdirectory=packs/sparkle"
    assert kinograph("plugins", "install", spec, "--yes", "--no-index", "--data-dir", data) == 0
    assert "3 nodes" in capsys.readouterr().out
    kinograph("plugins", "info", "sparkle", "--data-dir", data)
    assert f"from git+file://{repository}@{commit}#subdirectory=packs/sparkle" in capsys.readouterr().out
    outside = f"git+file://{repository}@v1#subdirectory=../.."
    assert kinograph("plugins", "install", outside, "--yes", "--no-index", "--data-dir", data) == 2
    assert "there is no folder" in capsys.readouterr().err


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """A package index with a plugin and a library that it needs; its address."""
    simple = tmp_path / "simple"
    library = write_wheel(simple / "probe-colours", "probe-colours", "1.4", {"probe_colours.py": b"PINK = 7"})
    code = CODE.replace(b"    return 1", b"    import probe_colours\n\n    return int(probe_colours.PINK)")
    plugins = [make(simple / "probe", version, code, requires=["probe-colours>=1.2"]) for version in ("0.9", "1.0")]
    for wheels in ([library], plugins):
        links = (f'<a href="{one.name}#sha256={hashlib.sha256(one.read_bytes()).hexdigest()}">x</a>' for one in wheels)
        (wheels[0].parent / "index.html").write_text(f"<!doctype html><title>x</title>{''.join(links)}")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/simple/"
        server.shutdown()


@pytest.fixture
def installation(tmp_path: Path, index: str) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command line of an installation of its own, which sees this one's packages and that index."""
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    places = [place for place in sys.path if "site-packages" in place]
    (site_packages(environment) / "host.pth").write_text("".join(f"{place}\n" for place in places))
    root = str(Path(__file__).parents[3])
    variables = {"PIP_INDEX_URL": index, "UV_DEFAULT_INDEX": index, "PIP_CONFIG_FILE": os.devnull}
    variables |= {"KINOGRAPH_DATA_DIR": str(tmp_path / "data"), "PYTHONPATH": root}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [environment / "bin" / "python", "-m", "kinograph", *words],
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
        )

    return run


def test_by_name_from_an_index_then_trusted_then_gone(
    installation: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    def listed() -> str:
        return installation("plugins", "list").stdout

    done = installation("plugins", "install", "probe==0.9", "--yes")
    assert done.returncode == 0, done.stderr
    lock = (tmp_path / "data" / "environments" / "probe" / "lock.txt").read_text()
    assert re.fullmatch(r"probe==0\.9 --hash=sha256:\w{64}\nprobe-colours==1\.4 --hash=sha256:\w{64}\n", lock)
    assert re.search(r"probe +0\.9 .* isolated", listed())

    done = installation("plugins", "install", "probe", "--trusted", "--yes")
    assert "may do everything that you may" in done.stdout
    assert re.search(r"probe +1\.0 .* installed", listed())
    assert "not used" not in listed()  # the isolated one has made room
    done = installation("plugins", "install", "probe", "--yes")
    assert done.returncode == 2
    assert "kinograph plugins remove probe" in done.stderr

    done = installation("plugins", "remove", "probe")
    assert "what it needed stays" in done.stdout
    assert "probe" not in listed()


def test_nothing_over_http_installs(tmp_path: Path) -> None:
    for route in ROUTES:
        assert "install" not in route.path
        assert not (route.method != "GET" and "plugin" in route.path)
    root = Path(__file__).parents[3]
    for path in (root / "server").rglob("*.py"):
        assert "kinograph.installing" not in path.read_text(), path


def test_a_digest_is_known_whatever_pip_tells_of_an_archive(tmp_path: Path) -> None:
    archive = tmp_path / "a library.whl"
    archive.write_bytes(b"a wheel")
    digest = hashlib.sha256(b"a wheel").hexdigest()
    assert sha256_of({"url": "https://example.org/a.whl", "archive_info": {"hashes": {"sha256": digest}}}) == digest
    assert sha256_of({"url": "https://example.org/a.whl", "archive_info": {"hash": f"sha256={digest}"}}) == digest
    assert sha256_of({"url": archive.as_uri(), "archive_info": {}}) == digest
    assert sha256_of({"url": "https://example.org/a.whl", "archive_info": {}}) is None
    assert sha256_of({"url": (tmp_path / "gone.whl").as_uri(), "archive_info": {}}) is None
