"""Nodes that decide what runs: choices, loops, lists, approval by a person."""
