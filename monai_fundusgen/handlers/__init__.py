"""Ignite handlers: averaged weights, sample grids, run records."""
