"""Models from the Hugging Face Hub, file by file: resumable, and every file compared with the hash that the Hub gives.

Only what is asked for is fetched, by an explicit command. The interface: https://huggingface.co/docs/hub/api.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException, HTTPResponse
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, urlsplit

ENDPOINT = "https://huggingface.co"
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.msgpack", "*.h5", "*.onnx", "*.onnx_data")
"""Formats that are never fetched unless they are asked for by name: Kinograph does not open them."""
PICTURES = ("*.png", "*.jpg", "*.jpeg", "*.gif", "*.webp", "*.mp4", "*.webm")
PART = ".part"
_BLOCK = 1 << 20
_ATTEMPTS = 5
_TIMEOUT_SECONDS = 60
_LARGEST_ANSWER = 64 << 20
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
_LOCAL = ("localhost", "127.0.0.1", "::1")


class HubError(ValueError):
    """The Hub does not have it, or does not give it."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a repository.

    Attributes:
        path: in the repository.
        nbytes: its size.
        sha256: of its content, for large files.
        git: the hash under which git knows it, for small ones.
    """

    path: str
    nbytes: int
    sha256: str = ""
    git: str = ""

    def check(self, file: Path) -> None:
        """Compare a file with what the Hub says.

        Raises:
            HubError: when it differs.
        """
        if file.stat().st_size != self.nbytes:
            raise HubError(f"{self.path}: expected {self.nbytes} bytes, got {file.stat().st_size}")
        if self.sha256:
            wanted, summary = self.sha256, hashlib.sha256()
        else:  # git hashes a file with its size in front
            wanted, summary = self.git, hashlib.sha1(f"blob {self.nbytes}\0".encode(), usedforsecurity=False)
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK):
                summary.update(block)
        if wanted and summary.hexdigest() != wanted:
            raise HubError(f"{self.path}: its content is not what the Hub announces (hash {summary.hexdigest()})")


class Hub:
    """The Hub, or something that speaks like it.

    Args:
        endpoint: its address; empty: ``HF_ENDPOINT`` or the public one.
        token: for repositories that are not public; empty: ``HF_TOKEN``.
    """

    def __init__(self, endpoint: str = "", token: str = "") -> None:
        self.endpoint = (endpoint or os.environ.get("HF_ENDPOINT") or ENDPOINT).rstrip("/")
        self._token = token or os.environ.get("HF_TOKEN", "")
        parts = urlsplit(self.endpoint)
        if parts.scheme not in ("https", "http") or (parts.scheme == "http" and parts.hostname not in _LOCAL):
            raise HubError(f"{self.endpoint}: expected an https address")
        self._opener = urllib.request.build_opener(_SafeRedirects(self.endpoint))

    def files(self, repository: str, revision: str = "main") -> tuple[str, list[RemoteFile]]:
        """The commit that a revision is, and all files in it.

        Raises:
            HubError: when there is no such repository or revision, or it asks for a token.
        """
        if not _REPOSITORY.fullmatch(repository):
            raise HubError(f"{repository!r} is no repository: expected OWNER/NAME")
        base = f"{self.endpoint}/api/models/{repository}"
        commit = str(self._json(f"{base}/revision/{quote(revision, safe='')}")[0].get("sha") or revision)
        url: str | None = f"{base}/tree/{quote(commit, safe='')}?recursive=true"
        found: list[RemoteFile] = []
        while url is not None:
            entries, url = self._json(url)
            found += [_remote(entry) for entry in entries if entry.get("type") == "file"]
        return commit, sorted(found, key=lambda file: file.path)

    def _json(self, url: str) -> tuple[Any, str | None]:
        try:
            opened = self._open(url)
        except urllib.error.HTTPError:
            raise
        except (urllib.error.URLError, TimeoutError) as error:
            raise HubError(f"{self.endpoint} cannot be reached: {getattr(error, 'reason', error)}") from error
        with opened as response:
            answer = json.loads(response.read(_LARGEST_ANSWER))
            following = re.search(r'<([^>]+)>;\s*rel="next"', response.headers.get("Link") or "")
        if following and urlsplit(following[1]).netloc != urlsplit(self.endpoint).netloc:
            raise HubError(f"{url}: the list of files goes on at another address")
        return answer, following[1] if following else None

    def _open(self, url: str, start: int = 0) -> HTTPResponse:
        headers = {"User-Agent": "kinograph"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if start:
            headers["Range"] = f"bytes={start}-"
        try:
            response: HTTPResponse = self._opener.open(
                urllib.request.Request(url, headers=headers), timeout=_TIMEOUT_SECONDS
            )
        except urllib.error.HTTPError as error:
            why = {
                401: "it asks for a token (HF_TOKEN), or does not exist",
                403: "the token may not read it; its terms may have to be accepted on its page first",
                404: "there is no such repository, revision or file",
            }.get(error.code)
            if why is None:
                raise
            raise HubError(f"{url}: {why}") from error
        return response

    def fetch(
        self, repository: str, commit: str, file: RemoteFile, target: Path, told: Callable[[int], None] = lambda _: None
    ) -> None:
        """Fetch a file; what an earlier attempt left is gone on with.

        Args:
            repository: ``OWNER/NAME``.
            commit: of the repository.
            file: the file.
            target: where it goes, only after its hash was right.
            told: called with the bytes that are there, now and then.

        Raises:
            HubError: when the content is wrong.
            OSError: when the connection fails again and again.
        """
        part = target.with_name(target.name + PART)
        part.parent.mkdir(parents=True, exist_ok=True)
        url = f"{self.endpoint}/{repository}/resolve/{quote(commit, safe='')}/{quote(file.path)}"
        for attempt in range(_ATTEMPTS):
            before = part.stat().st_size if part.exists() else 0
            try:
                self._append(url, part, file, told)
                break
            except (urllib.error.URLError, HTTPException, ConnectionError, TimeoutError) as error:
                gained = part.exists() and part.stat().st_size > before
                if attempt + 1 == _ATTEMPTS and not gained:
                    raise ConnectionError(f"{file.path}: {error}; the same command goes on where it stopped") from error
                time.sleep(min(2.0**attempt, 10.0) * 0.1)
        else:
            raise ConnectionError(f"{file.path}: the connection broke off {_ATTEMPTS} times; try again to go on")
        try:
            file.check(part)
        except HubError:
            part.unlink()
            raise
        part.replace(target)

    def _append(self, url: str, part: Path, file: RemoteFile, told: Callable[[int], None]) -> None:
        start = part.stat().st_size if part.exists() else 0
        if start > file.nbytes:
            part.unlink()
            start = 0
        if start == file.nbytes and part.exists():
            return
        with self._open(url, start) as response:
            if start and response.status != 206:  # it sends everything again
                start = 0
            with part.open("r+b" if start else "wb") as stream:
                stream.seek(start)
                done = start
                while block := response.read(_BLOCK):
                    stream.write(block)
                    done += len(block)
                    told(done)
                    if done > file.nbytes:
                        raise HubError(f"{file.path}: more comes than the {file.nbytes} bytes that were announced")
        if done < file.nbytes:
            raise ConnectionError(f"the connection ended after {done} of {file.nbytes} bytes")


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Large files lie elsewhere: the token does not go there, and nothing goes there unencrypted."""

    def __init__(self, endpoint: str) -> None:
        self._home = urlsplit(endpoint)

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """See :class:`urllib.request.HTTPRedirectHandler`."""
        there = urlsplit(newurl)
        if there.scheme != "https" and there.hostname not in _LOCAL:
            raise HubError(f"{newurl}: expected an https address")
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        if following is not None and there.netloc != self._home.netloc:
            following.remove_header("Authorization")
        return following


def _remote(entry: dict[str, Any]) -> RemoteFile:
    path = PurePosixPath(str(entry["path"]))
    if path.is_absolute() or ".." in path.parts or "\\" in str(path) or not path.parts:
        raise HubError(f"the Hub names a file {str(path)!r}, which leads elsewhere")
    large = entry.get("lfs") or {}
    return RemoteFile(
        str(path), int(large.get("size", entry.get("size", 0))), large.get("oid", ""), "" if large else entry["oid"]
    )


def chosen(files: Sequence[RemoteFile], patterns: Sequence[str] = ()) -> list[RemoteFile]:
    """The files that match one of the patterns; without patterns what a model needs.

    That is, in a repository in diffusers layout, the index and the components' folders; elsewhere everything that
    Kinograph reads. Pickles and pictures stay there.
    """
    if patterns:
        return [file for file in files if any(fnmatch.fnmatch(file.path, pattern) for pattern in patterns)]
    useful = [file for file in files if not _matches(file.path, (*PICKLES, *PICTURES, ".*", "*/.*"))]
    if any(file.path == "model_index.json" for file in useful):
        useful = [file for file in useful if "/" in file.path or not file.path.endswith((".safetensors", ".gguf"))]
    return useful


def _matches(path: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatch(path.lower(), pattern) for pattern in patterns)


def download(
    hub: Hub,
    repository: str,
    models: Path,
    name: str = "",
    revision: str = "main",
    patterns: Sequence[str] = (),
    told: Callable[[RemoteFile, int], None] = lambda *_: None,
) -> Iterator[tuple[RemoteFile, Path]]:
    """Fetch a model into the models folder, file by file: what it is, and where it lies once all are there.

    While it is not complete it lies in a hidden folder, where the same command goes on. ``told`` is called with the
    bytes of a file that are there, now and then.

    Raises:
        HubError: when there is nothing to fetch, the name is taken, or the disk is too small.
    """
    target = models / (name or repository.replace("/", "--"))
    if models.resolve() not in target.resolve().parents:
        raise HubError(f"{target} lies outside of the models folder")
    if target.exists():
        raise HubError(f"{target} exists already")
    commit, files = hub.files(repository, revision)
    wanted = chosen(files, patterns)
    if not wanted:
        raise HubError(f"{repository} has no file {' or '.join(patterns)}" if patterns else f"{repository} is empty")
    place = models / f".{target.name}.{commit[:12]}{PART}"
    place.mkdir(parents=True, exist_ok=True)
    missing = [file for file in wanted if not (place / file.path).is_file()]
    needed, free = sum(file.nbytes for file in missing), shutil.disk_usage(place).free
    if needed > free:
        raise HubError(f"{repository} needs {needed} bytes more, {place.parent} has {free}")
    for file in wanted:
        path = place / file.path
        if not path.is_file():
            hub.fetch(repository, commit, file, path, partial(told, file))
        yield file, target / file.path
    place.replace(target)
