"""The server: durable jobs, a live stream and the HTTP interface. Never imports torch; workers do."""
