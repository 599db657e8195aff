"""Reading and writing pictures and videos, and the text (a workflow) that travels inside them.

A plain library: numpy arrays and files, no torch, nothing of Kinograph's. What decodes and encodes is Pillow
and the ffmpeg binary; what reads text out of containers is written here, with the standard library alone,
because such files come from strangers. The parts:

* ``encode``, ``decode``, ``probe``, ``images``, ``sequence``: pixels;
* ``tags``: text inside a container, with one small module per container beside it;
* ``ffmpeg``: the child process and what can go wrong with it;
* ``limits``, ``errors``, ``rate``, ``sniff``: what the others share.
"""
