"""Runs that make data sets: in one process, by torchrun, on Ray."""
