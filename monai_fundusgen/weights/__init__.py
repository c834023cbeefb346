"""Weights of networks in files: read, written, converted from other programs, exported."""
