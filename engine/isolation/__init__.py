"""Plugins in a process and an environment of their own.

The worker holds the plugin's node types as data; their functions are calls over a socket pair. Tensors cross in shared
memory. The process is fenced in by what its manifest declares, as far as the operating system allows. When it crashes,
the node that ran fails, and the next call starts it again. Linux only: it rests on memfd, Landlock and seccomp.

``guest_start`` runs in the new process first, closes the fence and hands over to ``guest``; ``host`` is the worker's
side.
"""
