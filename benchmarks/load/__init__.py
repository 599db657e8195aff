"""Parts of the load table of ``benchmarks/server.py``."""
