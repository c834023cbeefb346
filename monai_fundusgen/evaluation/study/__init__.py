"""Does synthetic data help: arms, methods, test sets and seeds, from a configuration to a table."""
