"""Plugins found, described, tried out and imported, each into a namespace of its own."""
