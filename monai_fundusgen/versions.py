"""Versions of what decides the numbers of a run."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import version
from typing import Final

from monai_fundusgen import __version__

_PACKAGES: Final = ("torch", "monai", "numpy", "scipy")


@cache
def versions() -> dict[str, str]:
    """Versions of this package, of Python, and of the packages that figures depend on."""
    return {
        "monai_fundusgen": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
    }
