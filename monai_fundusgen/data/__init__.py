"""Datasets and datalists: the only room that knows dataset folders."""
