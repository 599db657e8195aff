"""What a node type is, how an author writes one, and the registry of all that are known."""
