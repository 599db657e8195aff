"""What arrives over a wire keeps to the same choices and ranges as what is written down."""

from __future__ import annotations

import enum
from typing import Annotated, Any

import pytest

from engine.execution.inputs import call_arguments, fit
from engine.node_types.signature import read_node
from kinograph import Field, InvalidInput, node

SEEN: list[Any] = []


class Speed(enum.Enum):
    SLOW = "slow"
    FAST = "fast"


@node("Drive")
def drive(speed: Speed = Speed.SLOW, distance: Annotated[int, Field(ge=1, le=10)] = 1) -> None:
    """Drive."""
    SEEN.append((speed, distance))


def test_an_enumeration_is_written_by_value_and_arrives_as_a_member() -> None:
    node_type = read_node(drive)
    assert node_type.inputs["speed"].choices == ("slow", "fast")
    _, named = call_arguments(node_type, {"speed": "fast"}, None)
    drive(**named)
    assert SEEN == [(Speed.FAST, 1)]
    assert fit(node_type.inputs["distance"], 10) == 10
    with pytest.raises(InvalidInput, match="11 is out of range"):
        fit(node_type.inputs["distance"], 11)
    with pytest.raises(InvalidInput, match="has no choice 'medium'"):
        fit(node_type.inputs["speed"], "medium")
