"""Which photograph a person should look at next: the one whose vessels the network is least sure of."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monailabel.interfaces.tasks.scoring import ScoringMethod
from monailabel.interfaces.tasks.strategy import Strategy
from monailabel.utils.others.generic import name_to_device

from monai_fundusgen.apps.label.infer import Networks
from monai_fundusgen.apps.label.order import CONFIDENCE, SCORED_BY, next_image
from monai_fundusgen.apps.label.transfer import corrected
from monai_fundusgen.apps.label.weights import served_weights
from monai_fundusgen.data.label_studies import FINAL, LabelStudies
from monai_fundusgen.evaluation.segment import read_photograph
from monai_fundusgen.metrics.functional.label_confidence import label_confidence
from monai_fundusgen.storage.checksum import file_sha256

logger = logging.getLogger(__name__)


class LowestConfidence(Strategy):
    """The photograph without a final label whose confidence is lowest; those without a score come after."""

    def __init__(self, studies: LabelStudies) -> None:
        super().__init__("Lowest confidence of the artery/vein network first")
        self.studies = studies

    def __call__(self, request: Mapping[str, Any], datastore: Any) -> dict[str, Any]:
        """Its id and confidence; empty where all are labelled."""
        found = next_image(self.studies.objects())
        return {} if found is None else {"id": found[0], CONFIDENCE: found[1]}


class ConfidenceScoring(ScoringMethod):
    """Confidence of every photograph without a final label, once for the weights that serve."""

    def __init__(self, studies: LabelStudies, networks: Networks) -> None:
        super().__init__("Confidence of the artery/vein network on photographs without a final label")
        self.studies, self.networks = studies, networks

    def __call__(self, request: Mapping[str, Any], datastore: Any) -> dict[str, Any]:
        """Score what has no score; returns how many were scored, and which could not be and why."""
        weights = file_sha256(served_weights(self.networks.model_dir))
        segmenter = self.networks.segmenter(name_to_device(request.get("device")), mirrors=1)
        scored, failed = 0, {}
        for name, entry in self.studies.objects().items():
            if FINAL in entry["labels"] or entry["image"]["info"].get(SCORED_BY) == weights:
                continue
            try:
                photograph, fov = read_photograph(Path(self.studies.image_path(name)))
            except (OSError, ValueError) as error:
                failed[name] = str(error)
                continue
            confidence = label_confidence(segmenter(photograph, fov).numpy(), segmenter.codes.threshold)
            self.studies.update_info(name, {CONFIDENCE: round(confidence, 4), SCORED_BY: weights})
            logger.info("%s: confidence %.4f", name, confidence)
            scored += 1
        return {"scored": scored, "failed": failed}


class CorrectionScoring(ScoringMethod):
    """What people changed in each label: pixels, and branches whose kind was flipped."""

    def __init__(self, studies: LabelStudies) -> None:
        super().__init__("Pixels and branches that people changed between original and final label")
        self.studies = studies

    def __call__(self, request: Mapping[str, Any], datastore: Any) -> dict[str, Any]:
        """Write the changes of every final label into the studies' list; returns them by id."""
        found = {}
        for name, entry in self.studies.objects().items():
            if FINAL not in entry["labels"]:
                continue
            changes = corrected(self.studies, name, entry).changes
            if changes is not None:
                found[name] = vars(changes)
                self.studies.update_info(name, {"changes": found[name]}, FINAL)
        return found
