"""The app that MONAI Label loads."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import monailabel
from fastapi import HTTPException
from monailabel.config import settings
from monailabel.interfaces.app import MONAILabelApp
from monailabel.interfaces.tasks.infer_v2 import InferTask
from monailabel.interfaces.tasks.scoring import ScoringMethod
from monailabel.interfaces.tasks.strategy import Strategy
from monailabel.interfaces.tasks.train import TrainTask

from monai_fundusgen import __version__
from monai_fundusgen.apps.label.active import ConfidenceScoring, CorrectionScoring, LowestConfidence
from monai_fundusgen.apps.label.datastore import StudiesDatastore
from monai_fundusgen.apps.label.infer import (
    AV_LABELS,
    LABELS,
    VESSEL_LABELS,
    KnownVesselTask,
    Networks,
    SegmentationTask,
    SynthesisTask,
)
from monai_fundusgen.apps.label.runs import GENERATION, TRAINING, FineTuning, Generation
from monai_fundusgen.apps.label.train import RunTask
from monai_fundusgen.apps.label.weights import published_record
from monai_fundusgen.data.label_studies import LabelStudies

_UPLOAD: Final = "tmp"  # how Python's temporary files begin


class FundusLabel(MONAILabelApp):
    """Colour fundus photographs: arteries and veins labelled, corrected, learned from, and made."""

    def __init__(self, app_dir: str, studies: str, conf: dict[str, str]) -> None:
        self._files = LabelStudies(studies)
        self._models = Path(app_dir) / "model"
        self._networks = Networks(self._models)
        super().__init__(
            app_dir=app_dir, studies=studies, conf=conf, labels=dict(LABELS), version=__version__,
            name=f"monai_fundusgen (MONAI Label {monailabel.__version__})",
            description="Arteries and veins of colour fundus photographs; photographs for label maps",
        )  # fmt: skip

    def init_datastore(self) -> StudiesDatastore:
        """The studies folder; no remote store."""
        return StudiesDatastore(
            self.studies, extensions=settings.MONAI_LABEL_DATASTORE_FILE_EXT,
            auto_reload=settings.MONAI_LABEL_DATASTORE_AUTO_RELOAD,
        )  # fmt: skip

    def init_infers(self) -> dict[str, InferTask]:
        """Arteries and veins, vessels, kinds of known vessels, and photographs for label maps."""
        return {
            "artery_vein": SegmentationTask(self._networks, AV_LABELS),
            "vessel": SegmentationTask(self._networks, VESSEL_LABELS),
            "artery_vein_hvgn": KnownVesselTask(self._networks, self._files),
            "synthesize": SynthesisTask(self._files),
        }

    def init_trainers(self) -> dict[str, TrainTask]:
        """Training on final labels, and generating."""
        fine_tuning, generation = FineTuning(self._files, self._models), Generation(self._files, self._models)
        return {
            "fine_tune": RunTask("fine_tune", fine_tuning, TRAINING, lambda: published_record(self._models)),
            "generate": RunTask("generate", generation, GENERATION),
        }

    def init_strategies(self) -> dict[str, Strategy]:
        """Lowest confidence first."""
        return {"lowest_confidence": LowestConfidence(self._files)}

    def init_scoring_methods(self) -> dict[str, ScoringMethod]:
        """Confidence of the network, and what people changed."""
        confidence = ConfidenceScoring(self._files, self._networks)
        return {"confidence": confidence, "corrections": CorrectionScoring(self._files)}

    def infer(self, request: Mapping[str, Any], datastore: Any = None) -> dict[str, Any]:
        """Run a model on a photograph of the studies, or on an upload, and on no other file of this machine.

        Raises:
            HTTPException: 404, no such photograph; 400, a model or picture that cannot be.
        """
        known, model = datastore or self.datastore(), str(request.get("model"))
        if model not in self._infers:
            raise HTTPException(404, f"model: found {model[:80]!r}, expected {', '.join(self._infers)}")
        for name in ("image", "label"):
            value = request.get(name)
            if value and not (name == "image" and known.get_image_uri(str(value))) and not _uploaded(value):
                raise HTTPException(404, f"{name}: found {str(value)[:80]!r}, expected the id of one of the studies")
        answer: dict[str, Any] = super().infer(dict(request), datastore)
        return answer

    def next_sample(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The photograph to look at next; the only strategy is the default, too."""
        strategy = request.get("strategy")
        chosen = strategy if strategy in self._strategies else "lowest_confidence"
        answer: dict[str, Any] = super().next_sample({**request, "strategy": chosen})
        return answer


def _uploaded(value: Any) -> bool:
    """Whether a path is a file that the server has just made of an upload."""
    path, folder = Path(str(value)), Path(tempfile.gettempdir())
    return path.parent == folder and path.name.startswith(_UPLOAD) and path.is_file() and not os.path.islink(path)
