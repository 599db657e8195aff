"""Kinograph's built-in nodes: a plugin like any other.

Discovery imports the modules named here; importing this package alone brings in nothing.
"""

PLUGIN_MODULES: tuple[str, ...] = ()
"""Modules of this package that define nodes, sorted. None of them imports torch at module level."""
