"""Labelled retinal fundus datasets from noise, for the MONAI ecosystem."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("monai-fundusgen")
except PackageNotFoundError:  # an uninstalled checkout
    __version__ = "0.0.0"

__all__ = ["__version__"]
