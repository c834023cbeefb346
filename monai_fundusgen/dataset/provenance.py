"""What a sample was made with: weights and configurations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from monai_fundusgen.storage.checksum import file_sha256


def stage_fingerprints(**bundles: str | Path | None) -> dict[str, dict[str, Any]]:
    """What each stage of a run is: SHA-256 of weights and inference configuration, training data, modality.

    The training data are those that the bundle's ``metadata.json`` tells of, if it tells of these very weights
    (``training_data.weights_sha256``); None otherwise, as after a training of one's own.

    Returns:
        By the name of its stage: ``weights``, ``configuration``, ``training_data`` (a list, or None), ``modality``.

    Raises:
        FileNotFoundError: a bundle lacks its configuration or its weights.
        ValueError: its metadata cannot be read.
    """
    from monai_fundusgen.weights.stages import stage_config  # MONAI: seconds, for those who read stages

    found = {}
    for stage, bundle in bundles.items():
        if bundle is None:
            continue
        weights = Path(stage_config(bundle).get_parsed_content("weights"))
        if not weights.is_file():
            raise FileNotFoundError(f"{weights}: no weights there; train the bundle first")
        config = Path(bundle) / "configs" / "inference.yaml"
        sha256 = file_sha256(weights)
        found[stage] = {"weights": sha256, "configuration": file_sha256(config), **_told(Path(bundle), sha256)}
    return found


def _told(bundle: Path, weights_sha256: str) -> dict[str, Any]:
    """What the metadata of a bundle tells of these weights."""
    path = bundle / "configs" / "metadata.json"
    if not path.is_file():
        return {"training_data": None, "modality": None}
    try:
        metadata = json.loads(path.read_text(encoding="utf-8"))
        training = metadata.get("training_data", {})
        modality = metadata["network_data_format"]["outputs"]["pred"].get("modality")
        described = training.get("weights_sha256") == weights_sha256
        return {"training_data": training["sets"] if described else None, "modality": modality}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path}: not the metadata of a bundle ({type(error).__name__}: {error}); restore it, or leave it away: "
            "then training data and modality count as unknown"
        ) from error
