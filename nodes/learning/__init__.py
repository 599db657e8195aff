"""Training as nodes: data, the loop, what is trained, and what to do with the result."""
