"""What the server and its clients agree on: bodies, states, limits, errors."""
