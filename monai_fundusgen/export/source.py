"""A finished data set as its exporters see it: every file is checked before anything of it is handed on."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.dataset.eye_file import load_eye
from monai_fundusgen.dataset.manifest import MANIFEST, read_settings, records
from monai_fundusgen.dataset.placement import GRAPHS, Placement, sample_index
from monai_fundusgen.dataset.sample_picture import picture_pixels
from monai_fundusgen.storage.contained import OutsideError, read_contained
from monai_fundusgen.storage.whole_file import write_whole
from monai_fundusgen.transforms.av_codec import decode_av
from monai_fundusgen.vessels.eye import Retina

#: Parts of a data set: for training, for validation, for testing.
TRAIN: Final = "train"
VALIDATION: Final = "val"
TEST: Final = "test"
PARTS: Final = (TRAIN, VALIDATION, TEST)
_WAY_OUT: Final = "run fundusgen verify on the data set"


@contextmanager
def _way_out(path: Path) -> Iterator[None]:
    """Name the file and the way out in an error of its content; one of a link tells both itself."""
    try:
        yield
    except OutsideError:
        raise
    except (FileNotFoundError, ValueError) as error:
        raise type(error)(f"{path}: {str(error).removeprefix(f'{path}: ')}; {_WAY_OUT}") from error


@dataclass(frozen=True)
class ExportSample:
    """One sample.

    Attributes:
        id: its name.
        index: its number.
        number: the same from 1 on, with as many digits as the largest of the data set has, at least two.
        part: ``train``, ``val`` or ``test``.
        record: its line of the manifest.
        root: folder of the data set.
        files: its files by their folder (``images``, ``labels``, ``av``, ``fov``, ``graphs``), relative to ``root``.
        side: side of its pictures in px that the settings promise; None: any, but all the same.
        links: whether files that are handed on unchanged become hard links.
    """

    id: str
    index: int
    number: str
    part: str
    record: Mapping[str, Any]
    root: Path
    files: Mapping[str, str]
    side: int | None = None
    links: bool = False
    _read: dict[str, tuple[bytes, NDArray[np.uint8]]] = field(default_factory=dict, repr=False, compare=False)

    def content(self, folder: str) -> bytes:
        """Bytes of a file, which was checked: no link, a whole PNG of its kind, size and codes, and with its hash.

        Raises:
            FileNotFoundError: it is missing.
            ValueError: it is a link, cut, of another size or kind, or not what the manifest tells; it is named.
        """
        return self._checked(folder)[0]

    def pixels(self, folder: str) -> NDArray[np.uint8]:
        """Pixels of a file, (H, W, 3) or (H, W); errors as in `content`."""
        return self._checked(folder)[1]

    def codes(self) -> NDArray[np.uint8]:
        """Label codes 0 to 3, (H, W)."""
        return self.pixels("labels")

    def vessels(self) -> NDArray[np.bool_]:
        """Artery and vein, (2, H, W)."""
        return decode_av(self.codes())

    def eye(self) -> Retina:
        """The record of the eye, of a file that was checked as the others.

        Raises:
            FileNotFoundError: it is missing.
            ValueError: it is a link, no such record, or not what the manifest tells; it is named.
        """
        path = self.root / self.files[GRAPHS]
        with _way_out(path):
            content = read_contained(self.root, self.files[GRAPHS])
            eye = load_eye(BytesIO(content))
        self._refuse_other_content(GRAPHS, content)
        return eye

    def union(self) -> NDArray[np.bool_]:
        """Vessels of either kind, (H, W)."""
        return self.codes() > 0

    def photograph(self) -> NDArray[np.uint8]:
        """RGB, (H, W, 3)."""
        return self.pixels("images")

    def field_of_view(self) -> NDArray[np.bool_]:
        """Field of view, (H, W)."""
        return self.pixels("fov") > 0

    def place(self, folder: str, target: Path, *, writable: bool = False) -> None:
        """Hand a file on unchanged: a copy, or a hard link where links are asked for.

        Args:
            folder: which of its files.
            target: path of the copy.
            writable: programs write to it, so it is a copy in any case.

        Raises:
            OSError: the file system has no hard links, or both folders do not lie on one.
        """
        content = self.content(folder)
        if not self.links or writable:
            write_whole(target, content)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(self.root / self.files[folder], target)
        except OSError as error:
            raise OSError(
                error.errno, f"no hard link there ({error.strerror}); leave --links out, and files are copied",
                str(target),
            ) from error  # fmt: skip

    def _checked(self, folder: str) -> tuple[bytes, NDArray[np.uint8]]:
        if folder not in self._read:
            self._read[folder] = self._read_and_check(folder)
        return self._read[folder]

    def _read_and_check(self, folder: str) -> tuple[bytes, NDArray[np.uint8]]:
        path = self.root / self.files[folder]
        with _way_out(path):
            content = read_contained(self.root, self.files[folder])
            pixels = picture_pixels(content, folder, self.side)
        self._refuse_other_content(folder, content)
        if folder != "images" and pixels.shape[:2] != self.photograph().shape[:2]:
            raise ValueError(f"{path}: {pixels.shape[:2]} px, the photograph has {self.photograph().shape[:2]}")
        return content, pixels

    def _refuse_other_content(self, folder: str, content: bytes) -> None:
        found, told = hashlib.sha256(content).hexdigest(), self.record.get("files", {}).get(folder)
        if found != told:
            path = self.root / self.files[folder]
            raise ValueError(f"{path}: SHA-256 {found}, the manifest tells {told}; {_WAY_OUT}")


class SourceDataset:
    """The samples of a finished data set in order; read again for every pass, none kept in memory.

    Args:
        root: its folder.
        testing: share in [0, 1) of the samples that are set aside for testing, the last ones.
        validation: the same for validation, those before them.
        links: see `ExportSample.place`.

    Raises:
        FileNotFoundError: no finished data set there.
        ValueError: shares that leave a part, or the training, without a sample.
    """

    def __init__(self, root: str | Path, *, testing: float = 0.0, validation: float = 0.0, links: bool = False) -> None:
        self.root = Path(root)
        self.links = links
        self.settings: dict[str, Any] = read_settings(self.root)["settings"]
        if not os.path.lexists(self.root / MANIFEST):
            raise FileNotFoundError(f"{self.root / MANIFEST}: not there; give the folder of a finished data set")
        count = sum(1 for _ in records(self.root / MANIFEST))
        tested, validated = _share("testing", testing, count), _share("validation", validation, count)
        if count - tested - validated < 1:
            raise ValueError(
                f"{self.root}: {count} samples, of which testing ({testing}) and validation ({validation}) leave none "
                f"for training; give smaller shares, or a larger data set"
            )
        self.counts = {TRAIN: count - tested - validated, VALIDATION: validated, TEST: tested}

    def __len__(self) -> int:
        return sum(self.counts.values())

    def __iter__(self) -> Iterator[ExportSample]:
        placement, digits = Placement(self.settings.get("shard_size")), max(2, len(str(len(self))))
        parts = [part for part in PARTS for _ in range(self.counts[part])]
        for part, record in zip(parts, records(self.root / MANIFEST), strict=True):
            index = sample_index(record["id"])
            yield ExportSample(
                record["id"], index, f"{index + 1:0{digits}d}", part, record, self.root, placement.files(index),
                side=self.settings.get("size"), links=self.links,
            )  # fmt: skip

    def split(self, part: str) -> Iterator[ExportSample]:
        """Samples of one part: ``train``, ``val`` or ``test``."""
        return (sample for sample in self if sample.part == part)

    @property
    def parts(self) -> list[str]:
        """The parts that have samples."""
        return [part for part in PARTS if self.counts[part]]


def _share(name: str, share: float, count: int) -> int:
    """How many samples a share is; a share above 0 is at least one sample."""
    found = round(share * count)
    if share and not found:
        raise ValueError(f"{name}: {share} of {count} samples is none; give at least {1 / count:.2g}, or 0")
    return found
