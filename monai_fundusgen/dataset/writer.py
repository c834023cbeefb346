"""The files of a sample on disk, each whole or absent, and its line in the journal."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from monai_fundusgen import __version__
from monai_fundusgen.conventions import SYNTHETIC, SYNTHETIC_ON_GIVEN_MAP
from monai_fundusgen.dataset.completion import complete
from monai_fundusgen.dataset.eye_file import eye_bytes
from monai_fundusgen.dataset.journal import Journal
from monai_fundusgen.dataset.placement import GRAPHS, sample_index
from monai_fundusgen.storage.picture_file import png_bytes
from monai_fundusgen.storage.whole_file import write_whole
from monai_fundusgen.transforms.av_codec import encode_av, planes_to_colours
from monai_fundusgen.versions import versions
from monai_fundusgen.vessels.eye import Retina
from monai_fundusgen.weights.device import usable_device

_DIGEST = 12  # characters of a hash in a record; the whole stands in run.json


@dataclass(frozen=True)
class FinishedSample:
    """One labelled photograph.

    Attributes:
        id: name of its files.
        photograph: (3, H, W) uint8 RGB.
        label: (2, H, W) bool, artery and vein.
        fov: (H, W) bool.
        eye: its record.
        record: what the manifest tells of it.
    """

    id: str
    photograph: NDArray[np.uint8]
    label: NDArray[np.bool_]
    fov: NDArray[np.bool_]
    eye: Retina
    record: dict[str, Any]


def encoded(sample: FinishedSample, text: Mapping[str, str]) -> dict[str, bytes]:
    """Content of the files of one sample by their folder; ``text`` stands in every PNG.

    It needs no journal and no folder, so a process that only encodes can make it.
    """
    pictures = {
        "images": sample.photograph.transpose(1, 2, 0),
        "labels": encode_av(torch.from_numpy(sample.label)).numpy(),
        "av": planes_to_colours(sample.label).transpose(1, 2, 0),
        "fov": sample.fov.astype(np.uint8) * 255,
    }
    contents = {folder: png_bytes(pixels, text) for folder, pixels in pictures.items()}
    return contents | {GRAPHS: eye_bytes(sample.eye)}


class DatasetWriter:
    """Write samples below the journal's folder.

    `files` may run in several threads at once, `append` in one.

    Args:
        journal: journal of the run; a sample is finished once its line is there.
        device: where the samples are made, for their records.
    """

    def __init__(self, journal: Journal, *, device: torch.device | str = "cpu") -> None:
        self.journal = journal
        self.device = str(usable_device(device))

    def write(self, sample: FinishedSample) -> None:
        """Write the files of one sample, then its line in the journal."""
        self.append(sample, self.files(sample))

    def text(self, sample: FinishedSample) -> dict[str, str]:
        """What every PNG of a sample says of itself."""
        given = self.journal.settings.get("mask_source") == "folder"
        text = {
            "Synthetic": SYNTHETIC_ON_GIVEN_MAP if given else SYNTHETIC,
            "Software": f"monai_fundusgen {__version__}",
        }
        if "seed" in sample.record:
            text["Seed"] = str(sample.record["seed"])
        return text

    def files(self, sample: FinishedSample, contents: Mapping[str, bytes] | None = None) -> dict[str, str]:
        """Write the files of one sample, encoded elsewhere or here; the SHA-256 of each, by its folder."""
        paths = self.journal.placement.files(sample_index(sample.id))
        found = {}
        for folder, content in (contents or encoded(sample, self.text(sample))).items():
            write_whole(self.journal.root / paths[folder], content, self.journal.scratch)
            found[folder] = hashlib.sha256(content).hexdigest()
        return found

    def append(self, sample: FinishedSample, files: dict[str, str]) -> None:
        """Add the line of a sample whose files are on the disk."""
        self.append_record(sample.id, sample.record, files)

    def append_record(self, name: str, record: dict[str, Any], files: dict[str, str]) -> None:
        """The same, where the sample itself is elsewhere."""
        weights = {
            stage: hashes["weights"][:_DIGEST] for stage, hashes in self.journal.settings.get("stages", {}).items()
        }
        made = {"run": self.journal.digest[:_DIGEST], "weights": weights, "versions": versions(), "device": self.device}
        self.journal.append(name, {**record, **made, "files": files})

    def finish(self) -> bool:
        """Write what a finished data set holds beside its samples; False where samples are still missing."""
        return complete(self.journal)
