"""A finished data set as its exporters see it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from monai_fundusgen.dataset.manifest import MANIFEST, read_settings, records
from monai_fundusgen.dataset.placement import Placement, sample_index
from monai_fundusgen.transforms.av_codec import decode_av

_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"


@dataclass(frozen=True)
class ExportSample:
    """One sample.

    Attributes:
        id: its name.
        index: its number.
        image, label, av, fov: its files.
        record: its line of the manifest.
        testing: whether it is set aside for testing.
    """

    id: str
    index: int
    image: Path
    label: Path
    av: Path
    fov: Path
    record: dict[str, Any]
    testing: bool

    def vessels(self) -> NDArray[np.bool_]:
        """Artery and vein, (2, H, W)."""
        with Image.open(self.label) as image:
            return decode_av(np.asarray(image))

    def union(self) -> NDArray[np.bool_]:
        """Vessels of either kind, (H, W)."""
        artery, vein = self.vessels()
        return np.logical_or(artery, vein)

    def photograph(self) -> NDArray[np.uint8]:
        """RGB, (H, W, 3)."""
        with Image.open(self.image) as image:
            return np.asarray(image)

    def field(self) -> NDArray[np.bool_]:
        """Field of view, (H, W)."""
        with Image.open(self.fov) as image:
            return np.asarray(image) > 0


class SourceDataset:
    """The samples of a finished data set in order; read again for every pass, none kept in memory.

    Args:
        root: its folder.
        testing: share of the samples set aside for testing, the last ones.

    Raises:
        FileNotFoundError: no finished data set there.
        ValueError: a share outside [0, 1).
    """

    def __init__(self, root: str | Path, *, testing: float = 0.0) -> None:
        self.root = Path(root)
        if not 0 <= testing < 1:
            raise ValueError(f"testing: found {testing}, expected a share in [0, 1)")
        self.settings: dict[str, Any] = read_settings(self.root)["settings"]
        if not (self.root / MANIFEST).is_file():
            raise FileNotFoundError(f"{self.root / MANIFEST}: not there; give the folder of a finished data set")
        self.count = sum(1 for _ in records(self.root / MANIFEST))
        self.num_testing = round(testing * self.count)

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[ExportSample]:
        placement = Placement(self.settings.get("shard_size"))
        for number, record in enumerate(records(self.root / MANIFEST)):
            index = sample_index(record["id"])
            files = {name: self.root / path for name, path in placement.files(index).items()}
            yield ExportSample(
                record["id"], index, files["images"], files["labels"], files["av"], files["fov"], record,
                testing=number >= self.count - self.num_testing,
            )  # fmt: skip

    def split(self, testing: bool) -> Iterator[ExportSample]:
        """Samples for training, or those for testing."""
        return (sample for sample in self if sample.testing == testing)


def place(source: Path, target: Path) -> None:
    """Give a PNG a second name, a hard link where the file system can, else a copy.

    Raises:
        FileNotFoundError: the file is missing; `fundusgen verify` tells what else is.
        ValueError: it is no whole PNG.
    """
    if not source.is_file():
        raise FileNotFoundError(f"{source}: missing; run fundusgen verify on the data set")
    with source.open("rb") as file:
        start = file.read(len(_PNG_START))
        file.seek(max(source.stat().st_size - len(_PNG_END), 0))
        whole = start == _PNG_START and file.read() == _PNG_END
    if not whole:
        raise ValueError(
            f"{source}: {source.stat().st_size} bytes and no whole PNG; run fundusgen verify on the data set"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
