"""Model families: all that differs between Kinograph Mini and other video models, one file per family.

The nodes know none of them. They ask :mod:`nodes.families.registry` by the name that travels with every
model, latent and conditioning, and use what :class:`nodes.families.family.Family` promises. A new family is
one file and one line in the registry.
"""
