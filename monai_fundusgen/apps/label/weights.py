"""Which weights serve: those that were trained on corrected labels, else those of the bundle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from monai_fundusgen.storage.checksum import file_sha256
from monai_fundusgen.storage.whole_file import write_json, write_whole
from monai_fundusgen.weights.bundles import SEGMENTER, bundle

#: Names in the app's folder of models.
PUBLISHED: Final = "fundus_av_unet.pt"
RECORD: Final = "fundus_av_unet.json"


def served_weights(model_dir: str | Path) -> Path:
    """The weights that the server segments with; delete `PUBLISHED`, and it is the bundle's again."""
    own = Path(model_dir) / PUBLISHED
    return own if own.is_file() else bundle(SEGMENTER) / "models" / "model.pt"


def publish(weights: str | Path, model_dir: str | Path, record: dict[str, Any]) -> None:
    """Serve these weights from now on.

    Args:
        weights: the file, which is copied.
        model_dir: the app's folder of models.
        record: what is told of them.
    """
    model_dir = Path(model_dir)
    write_json(model_dir / RECORD, {**record, "sha256": file_sha256(weights)})
    write_whole(model_dir / PUBLISHED, Path(weights).read_bytes())


def published_record(model_dir: str | Path) -> dict[str, Any]:
    """What is told of the weights that serve; empty for those of the bundle."""
    path = Path(model_dir) / RECORD
    if not path.is_file() or not (Path(model_dir) / PUBLISHED).is_file():
        return {}
    return dict(json.loads(path.read_text(encoding="utf-8")))
