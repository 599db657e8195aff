"""Text as an XMP packet (ISO 16684-1), the form that JPEG, WebP and GIF share.

Packets are written and read here without an XML parser: what comes from strangers is searched for known
elements with bounded patterns, so there are no entities to expand and nothing to load from elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

NAMESPACE = "urn:kinograph:metadata:1.0/"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
STANDARD = {
    "AIGC": ("TC260", "http://www.tc260.org.cn/ns/AIGC/1.0/"),
    "DigitalSourceType": ("Iptc4xmpExt", _IPTC),
    "AISystemUsed": ("Iptc4xmpExt", _IPTC),
    "AISystemVersionUsed": ("Iptc4xmpExt", _IPTC),
}
"""Texts that have a place of their own in a standard, with its prefix and namespace (TC260-PG-20258A; IPTC 2025.1)."""
_HEAD = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:kino="' + NAMESPACE + '"'
)
_TAIL = '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
_NAME = re.compile(r"[A-Za-z_][\w.\-]{0,63}", re.ASCII)
_ELEMENT = re.compile(r"<(kino|TC260|Iptc4xmpExt):([A-Za-z_][\w.\-]{0,63})>([^<]*)</\1:\2>", re.ASCII)
_ATTRIBUTE = re.compile(r'\b(TC260|Iptc4xmpExt):([A-Za-z]{1,64})="([^"<]*)"', re.ASCII)
_ENTITY = re.compile(r"&(?:(amp|lt|gt|quot|apos)|#(\d{1,7})|#x([0-9A-Fa-f]{1,6}));")
_ILLEGAL = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff&<>]")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_REVERSE = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def packet(tags: Mapping[str, str], attributes: str = "") -> bytes:
    """An XMP packet, UTF-8, with each text as an element ``kino:NAME``.

    Args:
        tags: texts by name; names are made of ASCII letters, digits and ``_ . -``.
        attributes: further attributes of the description, already in XML, such as those that name an
            extension.

    Raises:
        ValueError: for a name that is none.
    """
    for name in tags:
        if not _NAME.fullmatch(name):
            raise ValueError(f"a text inside a picture cannot be called {name!r}; use letters, digits and _ . -")
    prefixes = {name: STANDARD[name][0] if name in STANDARD else "kino" for name in tags}
    spaces = dict(STANDARD[name] for name in tags if name in STANDARD)
    attributes = " ".join([*(f'xmlns:{prefix}="{space}"' for prefix, space in spaces.items()), attributes]).strip()
    body = "".join(
        f"<{prefixes[name]}:{name}>{_ILLEGAL.sub(_escape, text)}</{prefixes[name]}:{name}>"
        for name, text in tags.items()
    )
    return f"{_HEAD}{' ' + attributes if attributes else ''}>{body}{_TAIL}".encode()


def read_packet(data: bytes) -> dict[str, str]:
    """Our texts and those of :data:`STANDARD` in an XMP packet by name; other programs may have written these."""
    if not any(prefix in data for prefix in (b"<kino:", b"TC260:", b"Iptc4xmpExt:")):
        return {}
    text = data.decode("utf-8", "replace")
    found: dict[str, str] = {}
    for pattern in (_ELEMENT, _ATTRIBUTE):
        for match in pattern.finditer(text):
            if match[1] == "kino" or STANDARD.get(match[2], ("",))[0] == match[1]:
                found.setdefault(match[2], _ENTITY.sub(_unescape, match[3]))
    return found


def standard(tags: Mapping[str, str]) -> dict[str, str]:
    """Those of the texts that belong to :data:`STANDARD`."""
    return {name: text for name, text in tags.items() if name in STANDARD}


def _escape(match: re.Match[str]) -> str:
    return _REVERSE.get(match[0]) or f"&#{ord(match[0])};"


def _unescape(match: re.Match[str]) -> str:
    if match[1]:
        return _NAMED[match[1]]
    code = int(match[2]) if match[2] else int(match[3], 16)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"
