"""Jobs: taken in, kept, ordered, started, and remembered."""
