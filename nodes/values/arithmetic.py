"""Nodes that compute with numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple

from kinograph import Field, InvalidInput, Widget, node
from nodes.clips.facts import computed
from nodes.values.expression import ExpressionError, evaluate
from nodes.values.primitives import SAFE_INTEGER

Operation = Literal["add", "subtract", "multiply", "divide", "floor_divide", "remainder", "power", "minimum", "maximum"]


class Number(NamedTuple):
    """A result, exactly and rounded.

    Attributes:
        number: the exact result.
        whole: the result rounded to the nearest whole number, halves away from zero.
    """

    number: float
    whole: int


def both(value: float, socket: str) -> Number:
    """A result as a node gives it.

    Raises:
        InvalidInput: when it is not a finite number that JSON can hold.
    """
    if isinstance(value, complex) or not math.isfinite(value) or abs(value) > 1e300:
        raise InvalidInput(socket, f"the result is {value}, which is no usable number", wanted="a finite result")
    rounded = math.floor(abs(value) + 0.5) * (1 if value >= 0 else -1)
    return Number(float(value), int(rounded))


def _calculate(a: float, b: float, operation: str) -> dict[str, Any]:
    return math_node(a, b, operation)._asdict()  # type: ignore[arg-type]  # any word


@node(
    "Math",
    category="math",
    keywords=(
        "add", "subtract", "multiply", "divide", "plus", "minus", "times", "modulo", "power", "sum",
        "min", "max", "calculate",
    ),
    infer=computed(_calculate),
)  # fmt: skip
def math_node(a: float = 0.0, b: float = 0.0, operation: Operation = "add") -> Number:
    """Compute with two numbers.

    Args:
        a: the first number.
        b: the second number.
        operation: ``add`` a + b; ``subtract`` a - b; ``multiply`` a * b; ``divide`` a / b; ``floor_divide``
            rounded down; ``remainder`` with the sign of b; ``power`` a to the b; ``minimum``; ``maximum``.

    Returns:
        number: the exact result.
        whole: the result rounded to the nearest whole number, halves away from zero.
    """
    if operation in ("divide", "floor_divide", "remainder") and b == 0:
        raise InvalidInput("b", "a division by zero has no result", wanted="a number other than 0", example=1.0)
    try:
        result = {
            "add": lambda: a + b,
            "subtract": lambda: a - b,
            "multiply": lambda: a * b,
            "divide": lambda: a / b,
            "floor_divide": lambda: a // b,
            "remainder": lambda: a % b,
            "power": lambda: math.pow(a, b),
            "minimum": lambda: min(a, b),
            "maximum": lambda: max(a, b),
        }[operation]()
    except (ValueError, ArithmeticError) as error:
        raise InvalidInput("b", f"{a:g} {operation} {b:g} has no result: {error}", wanted="other numbers") from error
    return both(result, "a")


def _evaluate(expression: str, a: float, b: float, c: float) -> dict[str, Any]:
    return math_expression(expression, a, b, c)._asdict()


@node(
    "MathExpression",
    category="math",
    keywords=("formula", "calculate", "equation", "function", "sin", "cos", "sqrt", "round"),
    infer=computed(_evaluate),
)
def math_expression(
    expression: Annotated[str, Field(max_length=500), Widget(placeholder="a * 4 + 1")] = "a + b",
    a: float = 0.0,
    b: float = 0.0,
    c: float = 0.0,
) -> Number:
    """Compute a formula.

    It knows ``+ - * / // % **``, comparisons, ``and or not``, ``x if y else z``, ``pi``, ``e`` and the
    functions ``abs min max round floor ceil sqrt exp log sin cos tan``. It is no program: nothing else can be
    reached from it.

    Args:
        expression: the formula, at most 500 characters, e.g. ``4 * round(a / 4) + 1``.
        a: value of the name ``a``.
        b: value of the name ``b``.
        c: value of the name ``c``.

    Returns:
        number: the exact result.
        whole: the result rounded to the nearest whole number, halves away from zero.
    """
    try:
        result = evaluate(expression, {"a": a, "b": b, "c": c})
    except ExpressionError as error:
        raise InvalidInput("expression", str(error), wanted="a formula", example="a * 4 + 1") from error
    return both(result, "expression")


def _clamp(value: float, low: float, high: float) -> dict[str, Any]:
    return clamp(value, low, high)._asdict()


@node("Clamp", category="math", keywords=("limit", "bound", "between", "range"), infer=computed(_clamp))
def clamp(value: float, low: float = 0.0, high: float = 1.0) -> Number:
    """Keep a number between two others.

    Args:
        value: the number.
        low: the least result.
        high: the greatest result; not below ``low``.

    Returns:
        number: the exact result.
        whole: the result rounded to the nearest whole number, halves away from zero.
    """
    if low > high:
        raise InvalidInput("high", f"{high:g} is below {low:g}", wanted=f"at least {low:g}", example=low)
    return both(min(max(value, low), high), "value")


def _map_range(
    value: float, from_low: float, from_high: float, to_low: float, to_high: float, clamped: bool
) -> dict[str, Any]:
    return map_range(value, from_low, from_high, to_low, to_high, clamped)._asdict()


@node(
    "MapRange",
    category="math",
    keywords=("remap", "scale", "interpolate", "lerp", "fit"),
    infer=computed(_map_range),
)
def map_range(
    value: float,
    from_low: float = 0.0,
    from_high: float = 1.0,
    to_low: float = 0.0,
    to_high: float = 1.0,
    clamped: bool = True,
) -> Number:
    """Carry a number from one range over to another, in proportion.

    Args:
        value: the number.
        from_low: beginning of the first range.
        from_high: end of the first range; other than its beginning.
        to_low: what the beginning becomes.
        to_high: what the end becomes.
        clamped: keep the result inside the second range.

    Returns:
        number: the exact result.
        whole: the result rounded to the nearest whole number, halves away from zero.
    """
    if from_low == from_high:
        raise InvalidInput("from_high", "the first range is empty", wanted=f"other than {from_low:g}")
    share = (value - from_low) / (from_high - from_low)
    share = min(max(share, 0.0), 1.0) if clamped else share
    return both(to_low + share * (to_high - to_low), "value")


def _round(value: float, multiple: float, mode: str, offset: float) -> dict[str, Any]:
    return round_number(value, multiple, mode, offset)._asdict()  # type: ignore[arg-type]  # any word


@node(
    "Round",
    category="math",
    keywords=("floor", "ceil", "snap", "multiple", "integer"),
    infer=computed(_round),
)
def round_number(
    value: float,
    multiple: Annotated[float, Field(gt=0)] = 1.0,
    mode: Literal["nearest", "down", "up"] = "nearest",
    offset: float = 0.0,
) -> Number:
    """Round a number to a multiple of another, e.g. a length to 4k + 1 frames (multiple 4, offset 1).

    Args:
        value: the number.
        multiple: the distance of allowed results, above 0.
        mode: ``nearest`` (halves away from zero), ``down`` or ``up``.
        offset: added to all multiples.

    Returns:
        number: the exact result.
        whole: the result rounded to the nearest whole number, halves away from zero.
    """
    if multiple <= 0:
        raise InvalidInput("multiple", f"{multiple:g} is not above 0", wanted="a number above 0", example=1.0)
    steps = (value - offset) / multiple
    if not math.isfinite(steps):
        raise InvalidInput("multiple", "the multiple is too small for this number", wanted="a greater one")
    whole = {
        "nearest": lambda: both(steps, "value").whole,
        "down": lambda: math.floor(steps),
        "up": lambda: math.ceil(steps),
    }
    return both(whole[mode]() * multiple + offset, "value")


@node(
    "Aggregate",
    category="math",
    keywords=("sum", "mean", "average", "total", "min", "max", "median", "count"),
)
def aggregate(values: list[float], operation: Literal["sum", "mean", "median", "minimum", "maximum"] = "sum") -> Number:
    """One number out of a list of numbers.

    Args:
        values: the numbers, at least one.
        operation: ``sum``, ``mean``, ``median``, ``minimum`` or ``maximum``.

    Returns:
        number: the exact result.
        whole: the result rounded to the nearest whole number, halves away from zero.
    """
    import statistics

    if not values:
        raise InvalidInput("values", "the list is empty", wanted="at least one number")
    compute: dict[str, Callable[[list[float]], float]] = {
        "sum": math.fsum,
        "mean": statistics.fmean,
        "median": statistics.median,
        "minimum": min,
        "maximum": max,
    }
    return both(compute[operation](values), "values")


@node("RandomNumber", category="math", keywords=("random", "noise", "dice", "chance", "variation"))
def random_number(
    seed: Annotated[int, Field(ge=0, le=SAFE_INTEGER), Widget(kind="seed")] = 0,
    low: float = 0.0,
    high: float = 1.0,
) -> Number:
    """A random number that is always the same for the same seed.

    Args:
        seed: from 0 to 2^53 - 1.
        low: the least result.
        high: the greatest result; not below ``low``.

    Returns:
        number: the exact result, evenly distributed.
        whole: the result rounded to the nearest whole number, halves away from zero.
    """
    import random

    if low > high:
        raise InvalidInput("high", f"{high:g} is below {low:g}", wanted=f"at least {low:g}", example=low)
    return both(low + random.Random(seed).random() * (high - low), "high")
