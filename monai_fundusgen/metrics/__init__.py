"""Metrics: pure functions in `functional`, accumulating classes over them."""
