"""What a sample was made with: weights, configurations, versions."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path

from monai.bundle import ConfigParser

from monai_fundusgen import __version__
from monai_fundusgen.storage.checksum import file_sha256

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
        config = Path(bundle) / "configs" / "inference.yaml"
        if not config.is_file():
            raise FileNotFoundError(f"{bundle}: no configs/inference.yaml there; give the folder of a bundle")
        parser = ConfigParser()
        parser.read_config(str(config))
        parser["bundle_root"] = str(bundle)
        weights = Path(parser.get_parsed_content("weights"))
        if not weights.is_file():
            raise FileNotFoundError(f"{weights}: no weights there; train the bundle first")
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
