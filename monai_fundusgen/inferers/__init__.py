"""Samplers and cascades behind MONAI's inferer interface."""
