"""Marks that say how a file came to be, one layer each: the ``AIGC`` label, IPTC's digital source type, C2PA.

``AIGC``
    metadata of GB 45438-2025, section 6.1 and appendix E; in pictures as TC260-PG-20258A says. ``ReservedCode1``
    holds a digest of the label's other fields, so that a changed label is noticed.
IPTC
    ``DigitalSourceType`` and ``AISystemUsed`` in XMP (IPTC Photo Metadata Standard 2025.1).
C2PA
    a signed manifest (C2PA 2.x, through the optional ``c2pa-python``), bound to the content: signed last, because
    every later change breaks it. The key is this installation's own: it proves that a file was not changed since,
    not who made it.

Absence proves nothing: metadata gets lost whenever a service encodes a file again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

Origin = Literal["generated", "composite"]
State = Literal["intact", "changed", "absent", "unknown"]

SOURCE_TYPES: dict[str, str] = {
    "generated": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
    "composite": "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia",
}
_NOTHING_MADE = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia"
SYSTEM = "Kinograph"
EXTRA = "kinograph[provenance]"
SIGNABLE = frozenset(
    {"video/mp4", "video/quicktime", "image/png", "image/jpeg", "image/webp", "image/gif", "audio/wav", "audio/flac"}
)
"""Media types that C2PA manifests are written into (c2pa-python 0.38)."""

WORKFLOW_ASSERTION = "org.kinograph.workflow"


@dataclass(frozen=True, slots=True)
class Mark:
    """One layer of a file, as it was read.

    Attributes:
        layer: ``AIGC``, ``IPTC`` or ``C2PA``.
        state: ``intact``, ``changed`` since it was written, ``absent``, or ``unknown`` (cannot be read here).
        detail: what it says.
    """

    layer: str
    state: State
    detail: str = ""


def producer() -> str:
    """Who is named as the producer: ``KINOGRAPH_CONTENT_PRODUCER``, a name or the registered code, or Kinograph."""
    return os.environ.get("KINOGRAPH_CONTENT_PRODUCER", "") or SYSTEM


def mark_tags(origin: str, computation: str, *, aigc: bool = True, iptc: bool = True) -> dict[str, str]:
    """Texts to store in a file that a model has made or changed; none where ``origin`` is empty.

    Args:
        origin: ``"generated"``, ``"composite"`` or empty.
        computation: names what was computed; the label's id is made from it.
        aigc: with the ``AIGC`` label.
        iptc: with IPTC's properties.
    """
    tags: dict[str, str] = {}
    if origin not in SOURCE_TYPES:
        return tags
    if aigc:
        fields = {
            "Label": "1",
            "ContentProducer": producer(),
            "ProduceID": hashlib.sha256(computation.encode()).hexdigest()[:32],
            "ReservedCode1": "",
            "ContentPropagator": "",
            "PropagateID": "",
            "ReservedCode2": "",
        }
        fields["ReservedCode1"] = _seal(fields)
        tags["AIGC"] = json.dumps({"AIGC": fields}, ensure_ascii=False, separators=(",", ":"))
    if iptc:
        tags |= {"DigitalSourceType": SOURCE_TYPES[origin], "AISystemUsed": SYSTEM}
    return tags


def _seal(fields: Mapping[str, Any]) -> str:
    """Digest of what the producer has written into the label."""
    parts = [str(fields.get(name, "")) for name in ("Label", "ContentProducer", "ProduceID")]
    return "sha256:" + hashlib.sha256("\0".join(parts).encode()).hexdigest()


def can_sign(media_type: str) -> bool:
    """Whether manifests can be written into such files, here."""
    from importlib.util import find_spec

    return media_type in SIGNABLE and find_spec("c2pa") is not None and find_spec("cryptography") is not None


def sign(path: Path, media_type: str, keys: Path, *, origin: str, workflow: str, version: str = "") -> None:
    """Write a signed manifest into a file. Nothing may be written into it afterwards.

    Args:
        path: the finished file.
        media_type: its type, one of :data:`SIGNABLE`.
        keys: folder of the key; made where there is none.
        origin: as in :func:`mark_tags`; empty for what no model has made.
        workflow: the document; only its digest goes into the manifest.
        version: of Kinograph.

    Raises:
        OSError, RuntimeError: when it cannot be signed.
    """
    import c2pa

    key, chain = signing_key(keys)
    action = {"action": "c2pa.created", "digitalSourceType": SOURCE_TYPES.get(origin, _NOTHING_MADE)}
    assertions: list[dict[str, Any]] = [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}]
    if workflow:
        digest = hashlib.sha256(workflow.encode("utf-8", "surrogatepass")).hexdigest()
        assertions.append({"label": WORKFLOW_ASSERTION, "data": {"sha256": digest}})
    generator = {"name": SYSTEM, **({"version": version} if version else {})}
    manifest = {"claim_generator_info": [generator], "title": SYSTEM, "assertions": assertions}
    info = c2pa.C2paSignerInfo(c2pa.C2paSigningAlg.ES256, chain, key, None)  # without a time stamp: no network
    signed = BytesIO()
    try:
        with path.open("rb") as source, c2pa.Signer.from_info(info) as signer, c2pa.Builder(manifest) as builder:
            builder.sign(signer, media_type, source, signed)
    except c2pa.C2paError as error:
        raise RuntimeError(f"the file cannot be signed: {error}") from error
    path.write_bytes(signed.getbuffer())


def signing_key(folder: Path) -> tuple[bytes, bytes]:
    """Private key and certificate chain (PEM): the user's own ``key.pem`` and ``chain.pem``, or those made at
    first use."""
    key, chain = folder / "key.pem", folder / "chain.pem"
    if key.is_file() and chain.is_file():
        return key.read_bytes(), chain.read_bytes()
    local = folder / "local.pem"
    if not local.is_file():
        from nodes.media.local_key import make_local_key

        make_local_key(local)
    private, begin, certificates = local.read_bytes().partition(b"-----BEGIN CERTIFICATE-----")
    return private, begin + certificates


_ENDINGS = {
    ".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/quicktime", ".png": "image/png", ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg", ".webp": "image/webp", ".gif": "image/gif", ".wav": "audio/wav", ".flac": "audio/flac",
}  # fmt: skip


def media_type_of(path: Path) -> str:
    """The media type by a file's ending; empty for those that carry no manifest."""
    return _ENDINGS.get(path.suffix.lower(), "")


def read_marks(path: Path, media_type: str) -> list[Mark]:
    """What the layers of a file say, and whether they were changed.

    Raises:
        MediaError: when the file is missing, damaged, or no media file.
    """
    from nodes.media.tags import read_tags

    tags = {name.lower(): text for name, text in read_tags(path).items()}
    return [_aigc(tags.get("aigc")), _iptc(tags.get("digitalsourcetype")), _c2pa(path, media_type)]


def _aigc(text: str | None) -> Mark:
    if text is None:
        return Mark("AIGC", "absent")
    try:
        data = json.loads(text)
        fields = data.get("AIGC", data)
        label = {"1": "AI-generated", "2": "may be AI-generated", "3": "suspected AI-generated"}[fields["Label"]]
        said = f"{label}, by {fields['ContentProducer']}, id {fields['ProduceID']}"
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Mark("AIGC", "changed", "the label is not as the standard wants it")
    seal = fields.get("ReservedCode1", "")
    if isinstance(seal, str) and seal.startswith("sha256:"):
        return Mark("AIGC", "intact" if seal == _seal(fields) else "changed", said)
    return Mark("AIGC", "unknown", f"{said}; another program's label, which says nothing of changes")


def _iptc(text: str | None) -> Mark:
    if text is None:
        return Mark("IPTC", "absent")
    known = text in SOURCE_TYPES.values()
    return Mark("IPTC", "intact" if known else "unknown", text.rpartition("/")[2] or text)


def _c2pa(path: Path, media_type: str) -> Mark:
    try:
        import c2pa
    except ImportError:
        return Mark("C2PA", "unknown", f"to read it: pip install '{EXTRA}'")
    if media_type not in SIGNABLE:
        return Mark("C2PA", "absent", "such files carry no manifest")
    try:
        alone = c2pa.Context.from_dict({"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}})
        with path.open("rb") as stream, c2pa.Reader(media_type, stream, context=alone) as reader:
            found = json.loads(reader.json())
    except c2pa.C2paError as error:
        if "ManifestNotFound" in str(error):
            return Mark("C2PA", "absent")
        return Mark("C2PA", "changed", f"the manifest cannot be read: {str(error)[:200]}")
    manifest = found.get("manifests", {}).get(found.get("active_manifest"), {})
    signer = manifest.get("signature_info", {})
    said = f"signed by {signer.get('common_name') or signer.get('issuer') or 'somebody'}"
    codes = [str(item.get("code")) for item in found.get("validation_status", [])]
    if found.get("validation_state") == "Invalid":
        wrong = [code for code in codes if code != "signingCredential.untrusted"]
        return Mark("C2PA", "changed", f"{said}; {', '.join(wrong[:3]) or 'not valid'}")
    if "signingCredential.untrusted" in codes:
        said += ", who is not on a trust list"
    return Mark("C2PA", "intact", said)
