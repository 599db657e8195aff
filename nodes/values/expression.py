"""Formulas such as ``4 * round(a / 4) + 1``, computed without Python's ``eval``.

The text is parsed by Python's own parser and then checked node by node: only what is listed here exists.
Sizes are bounded, so that ``9 ** 9 ** 9`` is an error and not an hour of work.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

_MAX_LENGTH = 500
_MAX_DEPTH = 50


class ExpressionError(ValueError):
    """A formula cannot be computed; the message says where."""


def _power(base: float, exponent: float) -> float:
    return math.pow(base, exponent)


_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Not: operator.not_,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
FUNCTIONS: dict[str, Callable[..., float]] = {
    "abs": abs,
    "min": min,
    "max": max,
    "round": lambda value: math.floor(value + 0.5),
    "floor": math.floor,
    "ceil": math.ceil,
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
}
_CONSTANTS = {"pi": math.pi, "e": math.e}


def evaluate(text: str, names: Mapping[str, float]) -> float:
    """The value of a formula.

    Args:
        text: the formula, at most 500 characters.
        names: values of the names in it; ``pi`` and ``e`` are known as well.

    Raises:
        ExpressionError: when it is no formula, uses something unknown, or has no result.
    """
    if len(text) > _MAX_LENGTH:
        raise ExpressionError(f"the formula has {len(text)} characters; at most {_MAX_LENGTH} are allowed")
    try:
        tree = ast.parse(text.strip(), mode="eval")
        return float(_value(tree.body, {**_CONSTANTS, **names}, 0))
    except SyntaxError as error:
        raise ExpressionError(f"{text!r} is no formula: {error.msg} at character {error.offset}") from error
    except (ArithmeticError, ValueError, TypeError, RecursionError, MemoryError) as error:
        if isinstance(error, ExpressionError):
            raise
        raise ExpressionError(f"{text!r} has no result: {error}") from error


def _value(part: ast.expr, names: Mapping[str, float], depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise ExpressionError("the formula is nested too deeply")

    def inner(child: ast.expr) -> Any:
        return _value(child, names, depth + 1)

    match part:
        case ast.Constant(value=bool() | int() | float() as value):
            return float(value)
        case ast.Name(id=name) if name in names:
            return names[name]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _BINARY[type(op)](inner(left), inner(right))
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
            return _UNARY[type(op)](inner(operand))
        case ast.Compare(left=left, ops=ops, comparators=others) if all(type(op) in _COMPARE for op in ops):
            values = [inner(left), *map(inner, others)]
            return all(_COMPARE[type(op)](values[at], values[at + 1]) for at, op in enumerate(ops))
        case ast.BoolOp(op=op, values=parts):
            return all(map(inner, parts)) if isinstance(op, ast.And) else any(map(inner, parts))
        case ast.IfExp(test=test, body=body, orelse=otherwise):
            return inner(body) if inner(test) else inner(otherwise)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            return FUNCTIONS[name](*map(inner, arguments))
        case _:
            shown = ast.unparse(part)[:80]
            known = ", ".join([*names, *FUNCTIONS])
            raise ExpressionError(f"{shown!r} is not known in a formula; known are {known} and + - * / // % **")
