"""Events: numbered, kept, and streamed to every listener."""
