"""The verbs of the console: parse, call a room below, report."""
