from pathlib import Path

import pytest

from nodes.families.known_digests import check_content, known_digests


@pytest.mark.parametrize("text", ["damaged", "[]", '{"a": 1}', "{"])
def test_a_damaged_list_of_hashes_is_named(tmp_path: Path, text: str) -> None:
    """It is neither taken for a list without hashes nor shown as a bare error of the parser."""
    (tmp_path / "digests.json").write_text(text)
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    with pytest.raises(ValueError, match=r"digests\.json: expected"):
        known_digests(tmp_path)
    with pytest.raises(ValueError, match=r"digests\.json: expected"):
        check_content(tmp_path / "model.safetensors")


def test_without_a_list_nothing_is_known(tmp_path: Path) -> None:
    assert known_digests(tmp_path) == {}
