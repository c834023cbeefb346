"""Transforms of arrays and tensors in memory; they open no file."""
