"""What a sample was made with: weights and configurations."""

from __future__ import annotations

from pathlib import Path

from monai_fundusgen.storage.checksum import file_sha256
from monai_fundusgen.weights.stages import stage_config


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
