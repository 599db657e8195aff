"""Graph, plan, executor, cache, events and plugins.

The engine knows nothing of tensors, HTTP or the browser. It depends on the standard library, pydantic and
networkx only; ``tests/test_layers.py`` keeps it so.
"""
