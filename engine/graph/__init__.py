"""A document checked against a registry: values, wires, facts that travel, sub-graphs put in place."""
