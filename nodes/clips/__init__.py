"""Nodes about pictures and clips: read, written, changed, shown."""
