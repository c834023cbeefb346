"""Losses as modules and functions of tensors."""
