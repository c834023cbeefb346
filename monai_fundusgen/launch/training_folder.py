"""The folder of a training: one training at a time, and a bundle that inference and data sets can take.

Beside its weights a training leaves ``configs/inference.yaml`` and ``configs/metadata.json``: the inference of the
bundle that was trained, with the network and the settings that it was trained with, preset or options. The folder then
stands wherever a bundle does (``mask_bundle``, ``photograph_bundle``, ``enlarging_bundle``, ``monai.bundle run``).
"""

from __future__ import annotations

import atexit
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from monai.bundle import ConfigParser

from monai_fundusgen.data.training_data import datalist_names
from monai_fundusgen.handlers.checkpoint import CHECKPOINT, previous_path
from monai_fundusgen.handlers.run_record import RECORD
from monai_fundusgen.launch.bundle_run import running_workflow
from monai_fundusgen.storage.folder_lock import FolderLock
from monai_fundusgen.storage.whole_file import write_json, write_whole
from monai_fundusgen.weights.stages import TRAINED_FROM

#: Settings of a training that its inference must share.
_SHARED: Final = (
    "image_size", "prediction", "solver", "num_evaluations", "schedule", "logit_shift", "network_def", "features_def",
    "field_deg", "field_cut", "field_px", "window", "spacing_mm", "neighbours",
)  # fmt: skip
#: Arguments of networks that say how they are trained.
_OF_TRAINING: Final = ("train_features",)
_HEAD: Final = """# Inference with the weights of this training; written by it, with its own network and settings.
#   python -m monai.bundle run --config_file configs/inference.yaml --meta_file configs/metadata.json --bundle_root .
"""


class TrainingFolder:
    """Where a training writes; open it before anything is written there, close it after the run.

    Args:
        path: missing, empty, or the folder of a training.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._lock = FolderLock(self.path, "train")

    def open(self) -> None:
        """Take the folder, and write the bundle's inference there as the running training has it.

        Raises:
            BlockingIOError: another training writes there; its process is named.
            ValueError: the folder holds something that is no training.
            OSError: it cannot be made.
        """
        _refuse_foreign(self.path)
        self._lock.acquire()
        atexit.register(self.close)  # a run that fails leaves no lock behind
        workflow, _ = running_workflow()
        if workflow is None:
            return
        source = Path(workflow.parser.get_parsed_content("bundle_root"))
        inference = source / "configs" / "inference.yaml"
        if inference.is_file():
            content = yaml.safe_load(inference.read_text(encoding="utf-8"))
            text = yaml.safe_dump(inference_of(workflow.parser.get(), content), sort_keys=False, width=120)
            write_whole(self.path / "configs" / "inference.yaml", (_HEAD + text).encode("utf-8"))
            write_json(self.path / "configs" / "metadata.json", _metadata(workflow.parser, source))

    def close(self) -> None:
        """Give the folder to others."""
        self._lock.release()


def _refuse_foreign(path: Path) -> None:
    """Refuse a folder with content that is no training's."""
    found = {entry.name for entry in path.iterdir() if not entry.name.startswith(".")} if path.is_dir() else set()
    if found <= {CHECKPOINT, previous_path(CHECKPOINT).name}:  # empty, or moved here from another machine
        return
    record, metadata = path / RECORD, path / "configs" / "metadata.json"
    if "sessions" in _object(record) or TRAINED_FROM in _object(metadata):
        return
    raise ValueError(
        f"{path}: holds something that is no training (its {RECORD} is missing or another's); nothing was touched; "
        "give an output_dir that is missing or empty"
    )


def _object(path: Path) -> dict[str, Any]:
    """A JSON object of a file; empty where it is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def inference_of(training: Mapping[str, Any], inference: Mapping[str, Any]) -> dict[str, Any]:
    """A bundle's inference configuration with the settings of a training.

    Args:
        training: configuration of the training, its overrides included.
        inference: content of the bundle's ``configs/inference.yaml``.
    """
    made = dict(inference)
    for name in _SHARED:
        if name in training and name in made:
            made[name] = _closed(training[name], training, made)
    if "request" in made and training.get("request", made["request"]) is None:
        made["request"] = None  # an unconditional network
    elif "request" in made and made["request"] is None:
        made["request"] = _closed(training["request"], training, made)  # a conditional one of a preset
    if isinstance(made.get("maps"), dict) and "field_cut" in training:
        made["maps"] = {**made["maps"], "field_cut": _closed(training["field_cut"], training, made)}
    made["weights"] = "$@bundle_root + '/model.pt'"
    return made


def _closed(value: Any, training: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
    """A value without references to entries that only the training has."""
    if isinstance(value, Mapping):
        return {key: _closed(inner, training, known) for key, inner in value.items() if key not in _OF_TRAINING}
    if isinstance(value, list):
        return [_closed(inner, training, known) for inner in value]
    if isinstance(value, str) and value.startswith("@") and value[1:] not in known and value[1:] in training:
        return _closed(training[value[1:]], training, known)
    return value


def _metadata(parser: ConfigParser, source: Path) -> dict[str, Any]:
    """What the bundle's metadata says of the network, and where this training's weights come from."""
    content = {**_object(source / "configs" / "metadata.json")}
    content["name"] = f"{content.get('name', source.name)}, trained by the user"
    content["authors"] = content["copyright"] = "unknown: weights of a user's own training"
    content["eval_metrics"] = {}
    content["training_data"] = {"sets": _sets(parser.get_parsed_content("datalist"))}
    content[TRAINED_FROM] = content.get(TRAINED_FROM, source.resolve().name)
    return content


def _sets(datalist: Any) -> list[dict[str, Any]]:
    """What the weights saw, as far as the training can tell, in the form of a bundle's metadata."""
    terms = {"reference": "not told by the training", "terms": "not told by the training", "people": True}
    named = [{"name": name, "what": f"the images of the user's {name}", **terms} for name in datalist_names(datalist)]
    if named:
        return named
    return [
        {"name": "phantom eyes", "what": "procedural eyes", "reference": "", "terms": "Apache-2.0", "people": False}
    ]
