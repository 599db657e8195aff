"""The open video families, one module each, named like its ``FAMILY``; :mod:`nodes.families.registry` lists them."""
