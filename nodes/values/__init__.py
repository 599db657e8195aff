"""Nodes about plain values: numbers, formulas, text, primitives."""
