"""Tokenizers that lie inside the file of a text encoder."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nodes.families.bundle import library
from nodes.families.gguf_file import open_gguf

PIECES, NORMALISER = 1, 3
"""Fields of a SentencePiece model (sentencepiece_model.proto, ModelProto)."""
TEXT, SCORE = 1, 2
"""Fields of a piece."""
CHARACTERS = 2
"""Field of the normaliser: its table of characters."""


def t5_from_sentencepiece(model: bytes, origin: Path) -> Any:
    """A T5 tokenizer of a SentencePiece model.

    Raises:
        ValueError: naming the file it came from, when it is damaged.
    """
    try:
        vocabulary: list[tuple[str, float]] = []
        characters = b""
        for field, content in fields_of(model):
            inside = dict(fields_of(content)) if field in (PIECES, NORMALISER) else {}
            if field == PIECES:
                score = struct.unpack("<f", inside.get(SCORE, bytes(4)))[0]
                vocabulary.append((inside[TEXT].decode("utf-8"), score))
            elif field == NORMALISER:
                characters = inside.get(CHARACTERS, b"")
        if not vocabulary:
            raise ValueError("it has no pieces")
        more = {"_spm_precompiled_charsmap": characters} if characters else {}
        return library("transformers").T5Tokenizer(vocab=vocabulary, extra_ids=0, **more)
    except Exception as error:  # the libraries below raise whatever the damage leads to
        raise ValueError(f"{origin}: its tokenizer cannot be read: {str(error) or type(error).__name__}") from error


def t5_from_gguf(path: Path) -> Any:
    """A T5 tokenizer of the pieces and scores in a GGUF file.

    Raises:
        ValueError: naming the file, when it carries none.
    """
    file = open_gguf(path)
    pieces, scores = file.field("tokenizer.ggml.tokens"), file.field("tokenizer.ggml.scores")
    if not pieces or not scores or len(pieces) != len(scores):
        raise ValueError(f"{path}: expected a tokenizer in it (tokenizer.ggml.tokens and scores)")
    vocabulary = [(str(piece), float(score)) for piece, score in zip(pieces, scores, strict=True)]
    return library("transformers").T5Tokenizer(vocab=vocabulary, extra_ids=0)


def fields_of(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields of a protobuf message (https://protobuf.dev/programming-guides/encoding), numbers as their bytes.

    Raises:
        ValueError: when it is cut short.
    """
    place = 0
    while place < len(message):
        key, place = _number(message, place)
        kind = key & 7
        if kind == 0:
            start = place
            _, place = _number(message, place)
        elif kind in (1, 5):
            start, place = place, place + (8 if kind == 1 else 4)
        elif kind == 2:
            length, start = _number(message, place)
            place = start + length
        else:
            raise ValueError(f"a field of kind {kind}")
        if place > len(message):
            raise ValueError("it is cut short")
        yield key >> 3, message[start:place]


def _number(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while place < len(message):
        byte = message[place]
        place += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, place
    raise ValueError("it is cut short")
