"""Running a plan: who takes which step when, how a node is called, and what becomes of what it gives."""
