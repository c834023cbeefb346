"""Trainings and generations of the server as command lines of this package, which go on where a kill cut them off."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from monai_fundusgen.apps.label.transfer import Exported, export_studies
from monai_fundusgen.apps.label.weights import publish, served_weights
from monai_fundusgen.conventions import IMAGE, LABEL
from monai_fundusgen.data.datalist import READER
from monai_fundusgen.data.label_studies import FINAL, ORIGINAL, LabelStudies
from monai_fundusgen.handlers.run_record import read_history
from monai_fundusgen.storage.checksum import file_sha256
from monai_fundusgen.storage.whole_file import write_json
from monai_fundusgen.weights.bundles import SEGMENTER

#: What a training may be told, and what it is told if nothing is said.
TRAINING: Final = {
    "max_epochs": 10, "iterations_per_epoch": 50, "learning_rate": 0.0001, "num_validation": 0, "image_size": 1024,
    "source_size": 1536, "window_size": 704, "seed": 0,
}  # fmt: skip
#: The same of a generation.
GENERATION: Final = {
    "num_samples": 4, "seed": 0, "size": 1024, "mask_source": "phantom", "photograph_source": "cascade", "tag": ORIGINAL
}  # fmt: skip
_WORDS: Final = {
    "mask_source": ("phantom", "ddpm"), "photograph_source": ("cascade", "phantom"), "tag": (ORIGINAL, FINAL),
}  # fmt: skip
_MOST: Final = 100_000


def asked(request: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a request, each of the type of its default; whatever else it holds is the server's.

    Raises:
        ValueError: a value that cannot be; the option is named.
    """
    found = {}
    for name, default in defaults.items():
        value = request.get(name, default)
        value = value[0] if isinstance(value, (list, tuple)) and value else value
        if isinstance(default, str):
            if value not in _WORDS[name]:
                raise ValueError(f"{name}: found {str(value)[:40]!r}, expected {' or '.join(_WORDS[name])}")
        elif isinstance(value, bool) or not isinstance(value, (int, type(default))) or not 0 <= value <= _MOST:
            raise ValueError(f"{name}: found {str(value)[:40]!r}, expected a number from 0 to {_MOST}, say {default}")
        found[name] = value
    return found


def _run(arguments: Sequence[str | Path]) -> None:
    """A verb of this package in a process of its own, whose messages are the server's log.

    Raises:
        ChildProcessError: it failed.
    """
    command = [sys.executable, "-m", "monai_fundusgen", *map(str, arguments)]
    done = subprocess.run(command, check=False)
    if done.returncode:
        raise ChildProcessError(
            f"{' '.join(map(str, arguments[:2]))} ended with {done.returncode}; its message stands above; the same "
            f"request goes on"
        )


def _key(told: Any) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]


def _options(told: Mapping[str, Any]) -> list[str]:
    """``--option NAME=VALUE`` as YAML reads it back: 1e-05 would be a text there."""
    words = []
    for name, value in told.items():
        text = np.format_float_positional(value, trim="0") if isinstance(value, float) else str(value)
        words += ["--option", f"{name}={text}"]
    return words


@dataclass(frozen=True)
class FineTuning:
    """The A/V network trained further on final labels, by its bundle's ``train.yaml``.

    Attributes:
        studies: where photographs and final labels are.
        model_dir: the app's folder of models; a training has a folder in it for its labels, options and first weights,
            so the same request goes on, and the next correction begins another one.
    """

    studies: LabelStudies
    model_dir: Path

    def __call__(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Train, and serve what did best on the labels that were held back.

        Args:
            request: options, see `TRAINING`; ``num_validation`` 0 holds a fifth back, at least one.

        Returns:
            How many labels there were, and the last line of the training's history.

        Raises:
            ValueError: fewer than two final labels, or an impossible option.
            ChildProcessError: the training failed.
        """
        told = asked(request, TRAINING)
        items = self._items()
        held_back = int(told["num_validation"] or max(1, len(items) // 5))
        if len(items) <= held_back:
            raise ValueError(
                f"{self.studies.root}: {len(items)} final labels, of which {held_back} would be held back; expected at "
                f"least {held_back + 1}: save more labels as final"
            )
        start, epochs = served_weights(self.model_dir), int(told.pop("max_epochs"))
        shas = sorted(file_sha256(item[LABEL]) for item in items)
        folder = self.model_dir / "trainings" / _key([shas, told, file_sha256(start)])
        listed = folder.with_suffix(".json")
        content = {"labels": {"1": "artery", "2": "vein", "3": "crossing"}, "reader": READER, "training": items}
        write_json(listed, content)
        options = {**told, "num_validation": held_back, "val_interval": min(epochs, 4), "warmup_iterations": 20}
        _run([
            "train", SEGMENTER, "--output", folder, "--datalist", listed, "--pretrained", start, "--epochs",
            str(epochs), *_options(options),
        ])  # fmt: skip
        return self._published(folder, len(items) - held_back, held_back)

    def _items(self) -> list[dict[str, str]]:
        entries = self.studies.objects().items()
        names = [name for name, entry in entries if FINAL in entry["labels"]]
        paths = [(self.studies.image_path(name), self.studies.label_file(name, FINAL)) for name in names]
        return [{IMAGE: str(image.absolute()), LABEL: str(label.absolute())} for image, label in paths]

    def _published(self, folder: Path, trained: int, held_back: int) -> dict[str, Any]:
        last = read_history(folder)[-1]
        record = {"trained_on": trained, "held_back": held_back, "training": folder.name, **last}
        publish(folder / "model.pt", self.model_dir, record)
        return record


@dataclass(frozen=True)
class Generation:
    """New photographs with labels in the studies, by the data set bundle.

    Attributes:
        studies: where they go.
        model_dir: the app's folder of models; the data set of a request stays there, so that the same request goes on
            after a kill, and one for more samples makes those that are missing.
    """

    studies: LabelStudies
    model_dir: Path

    def __call__(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Make the samples that are missing, and copy them into the studies.

        Args:
            request: options, see `GENERATION`.

        Returns:
            What was copied, and the prefix of the ids.

        Raises:
            ValueError: an impossible option.
            ChildProcessError: the generation failed.
        """
        told = asked(request, GENERATION)
        count, tag = int(told.pop("num_samples")), told.pop("tag")
        key = _key(told)
        folder = self.model_dir / "generated" / key
        size = told.pop("size")
        verb: list[str | Path] = ["generate", "-n", str(count), "-o", folder, "--option", f"size={size}", "--quiet"]
        for name, value in told.items():
            verb += [f"--{name.replace('_', '-')}", str(value)]
        _run([*verb, *_extension(folder, count)])
        prefix = f"syn{key[:6]}_"
        done: Exported = export_studies(folder, self.studies.root, tag=tag, prefix=prefix)
        return {"prefix": prefix, "added": done.added, "present": done.present, "labels": done.labels}


def _extension(folder: Path, count: int) -> list[str]:
    """What lets a finished data set of fewer samples grow."""
    record = folder / "run.json"
    if not record.is_file():
        return []
    there = json.loads(record.read_text(encoding="utf-8")).get("num_samples", 0)
    return ["--extend", str(count)] if there < count else []
