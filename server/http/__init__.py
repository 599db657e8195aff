"""Between a socket and a handler: connections, security, bodies, routes as data, metrics."""
