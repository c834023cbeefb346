"""What a sample was made with: weights, configurations, versions."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path

from monai_fundusgen import __version__
from monai_fundusgen.storage.checksum import file_sha256
from monai_fundusgen.weights.stages import stage_config

_PACKAGES = ("torch", "monai", "numpy", "scipy")


def stage_fingerprints(**bundles: str | Path | None) -> dict[str, dict[str, str]]:
    """SHA-256 of weights and inference configuration of each bundle that a run uses, by the name of its stage.

    Raises:
        FileNotFoundError: a bundle lacks its configuration or its weights.
    """
    found = {}
    for stage, bundle in bundles.items():
        if bundle is None:
            continue
        weights = Path(stage_config(bundle).get_parsed_content("weights"))
        if not weights.is_file():
            raise FileNotFoundError(f"{weights}: no weights there; train the bundle first")
        config = Path(bundle) / "configs" / "inference.yaml"
        found[stage] = {"weights": file_sha256(weights), "configuration": file_sha256(config)}
    return found


@cache
def versions() -> dict[str, str]:
    """Versions of this package, of Python, and of the packages that figures depend on."""
    return {
        "monai_fundusgen": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
    }
