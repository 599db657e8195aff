"""Text as an XMP packet (ISO 16684-1), the form that JPEG, WebP and GIF share.

Packets are written and read here without an XML parser: what comes from strangers is searched for known
elements with bounded patterns, so there are no entities to expand and nothing to load from elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

NAMESPACE = "urn:kinograph:metadata:1.0/"
_HEAD = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:kino="' + NAMESPACE + '"'
)
_TAIL = '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
_NAME = re.compile(r"[A-Za-z_][\w.\-]{0,63}", re.ASCII)
_ELEMENT = re.compile(r"<kino:([A-Za-z_][\w.\-]{0,63})>([^<]*)</kino:\1>", re.ASCII)
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
    body = "".join(f"<kino:{name}>{_ILLEGAL.sub(_escape, text)}</kino:{name}>" for name, text in tags.items())
    return f"{_HEAD}{' ' + attributes if attributes else ''}>{body}{_TAIL}".encode()


def read_packet(data: bytes) -> dict[str, str]:
    """Our texts in an XMP packet by name; an empty dictionary where there are none."""
    if b"<kino:" not in data:
        return {}
    text = data.decode("utf-8", "replace")
    found: dict[str, str] = {}
    for match in _ELEMENT.finditer(text):
        found.setdefault(match[1], _ENTITY.sub(_unescape, match[2]))
    return found


def _escape(match: re.Match[str]) -> str:
    return _REVERSE.get(match[0]) or f"&#{ord(match[0])};"


def _unescape(match: re.Match[str]) -> str:
    if match[1]:
        return _NAMED[match[1]]
    code = int(match[2]) if match[2] else int(match[3], 16)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"
