"""The order in which photographs come to a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from monai_fundusgen.data.label_studies import FINAL

#: What the studies know of a photograph: how sure the network is, and the SHA-256 of its weights.
CONFIDENCE: Final = "confidence"
SCORED_BY: Final = "confidence_weights_sha256"


def next_image(objects: Mapping[str, Any]) -> tuple[str, float | None] | None:
    """The photograph without a final label whose confidence is lowest, and that; None where all have one.

    Photographs without a confidence come after all others, in order of their ids.

    Args:
        objects: entries of the studies by id.
    """
    waiting = []
    for name, entry in objects.items():
        if FINAL not in entry["labels"]:
            confidence = entry["image"]["info"].get(CONFIDENCE)
            waiting.append((confidence is None, confidence or 0.0, name, confidence))
    if not waiting:
        return None
    _, _, name, confidence = min(waiting)
    return name, confidence
