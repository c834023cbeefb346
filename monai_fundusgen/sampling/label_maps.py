"""Label maps of a folder, each read and checked before a run begins, and brought to one square size."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from monai_fundusgen.data.reading import read_av, read_fov, read_rgb
from monai_fundusgen.dataset.placement import MAX_SIZE
from monai_fundusgen.storage.checksum import file_sha256
from monai_fundusgen.transforms.fov import field_circle, square_crop
from monai_fundusgen.transforms.resize import area_resize, resize_masks
from monai_fundusgen.vessels.field import Field

Fit = Literal["pad", "crop"]
_ENDINGS: Final = (".png", ".tif", ".tiff", ".gif", ".bmp", ".ppm")
_SHOWN: Final = 6  # colours of a refused map that are named


class LabelMap(NamedTuple):
    """A map at the size of the photograph: label (2, H, W) bool, field of view (H, W) bool, px of unknown kind."""

    name: str
    label: NDArray[np.bool_]
    fov: NDArray[np.bool_]
    uncertain_px: int


@dataclass(frozen=True)
class LabelMaps:
    """The maps of a folder in sorted order.

    The field of view is ``../fov/<name>`` where there is one, as in a data set of this package, else a full circle.

    Args:
        folder: label maps in codes 0 to 3, or in the colours that `monai_fundusgen.data.reading.read_av` reads.
        size: side of label and photograph in px.
        fit: what becomes of maps of another shape or size. ``crop``: the square round the field of view, as in
            training; without a field the middle square. ``pad``: black up to a square, nothing is lost. Both are
            averaged over the area of each pixel, and as many pixels are set as the averaged map has area, so that
            vessels keep their share of the picture. None: refused.

    Raises:
        FileNotFoundError: no folder, or no map in it.
        NotADirectoryError: a file in its place.
        ValueError: a map of another size without ``fit``, of unknown colours, or without an artery and a vein.
        OSError: a map that cannot be read.
    """

    folder: Path
    size: int
    fit: Fit | None = None

    def __post_init__(self) -> None:
        if self.fit not in (None, *get_args(Fit)):
            raise ValueError(f"fit: found {self.fit!r}, expected {' or '.join(get_args(Fit))}")
        if not self.folder.exists():
            raise FileNotFoundError(f"{self.folder}: no such folder; give the one with the label maps as mask_folder")
        if not self.folder.is_dir():
            raise NotADirectoryError(f"{self.folder}: a file; give the folder of the label maps as mask_folder")
        found = [path for path in self.folder.iterdir() if path.suffix.lower() in _ENDINGS and path.name[0] != "."]
        if not found:
            raise FileNotFoundError(
                f"{self.folder}: no PNG there, nor {', '.join(_ENDINGS[1:])}; give the folder with the label maps as "
                "mask_folder"
            )
        object.__setattr__(self, "files", sorted(found))
        content = hashlib.sha256()
        for place, path in enumerate(self.files):
            beside = self._beside(path)
            content.update(f"{path.name} {file_sha256(path)} {beside and file_sha256(beside)}\n".encode())
            self.read(place)
        object.__setattr__(self, "sha256", content.hexdigest())

    files: tuple[Path, ...] = ()
    sha256: str = ""

    def identity(self) -> dict[str, object]:
        """Names and contents, wherever the folder lies."""
        return {"maps": len(self.files), "sha256": self.sha256, "size": self.size, "fit": self.fit}

    def read(self, index: int) -> LabelMap:
        """The map of a sample; after the last the first comes again.

        Raises:
            ValueError, OSError: as the constructor; the file may have changed since.
        """
        path = self.files[index % len(self.files)]
        self._refuse_size(path)
        planes = read_av(path)
        label, beside = np.stack([planes.artery, planes.vein]), self._beside(path)
        fov = None if beside is None else read_fov(beside)
        if fov is not None and fov.shape != label.shape[1:]:
            raise ValueError(
                f"{beside}: {fov.shape[1]} x {fov.shape[0]} px, but its map {path.name} has {label.shape[2]} x "
                f"{label.shape[1]}; give a field of view of the same size, or move the folder fov away"
            )
        label, fov = self._fitted(label, fov)
        label &= fov
        if not label.any():
            raise ValueError(
                f"{path}: no artery and no vein in its field of view (colours found: {_colours(path)}); expected codes "
                "1 artery, 2 vein, 3 crossing, or red, blue, green; a map of 0 and 255, or of one bit, does not tell "
                "the kind of a vessel: label the kinds, or leave the file out"
            )
        return LabelMap(path.name, label, fov, int(planes.uncertain.sum()))

    def _beside(self, path: Path) -> Path | None:
        found = path.parent.parent / "fov" / path.name
        return found if found.is_file() else None

    def _refuse_size(self, path: Path) -> None:
        """By the head of the file, before its pixels are unpacked."""
        try:
            with Image.open(path) as image:
                width, height = image.size
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise OSError(f"{path}: cannot be read as an image ({error}); give a whole PNG") from error
        if max(width, height) > MAX_SIZE:
            raise ValueError(f"{path}: {width} x {height} px, expected at most {MAX_SIZE} a side; make the map smaller")
        if (width, height) != (self.size, self.size) and self.fit is None:
            own = f"set size to {width}, or " if width == height else ""
            raise ValueError(
                f"{path}: {width} x {height} px, expected {self.size} x {self.size}; {own}have the maps brought to "
                "that size: --fit crop (the square round the field of view) or --fit pad (black up to a square)"
            )

    def _fitted(
        self, label: NDArray[np.bool_], fov: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Label and field of view at the size asked for."""
        height, width = label.shape[1:]
        if height == width == self.size:
            return label, Field().mask(self.size) if fov is None else fov
        if self.fit == "crop" and fov is not None:
            circle = field_circle(fov)
            label, fov = (square_crop(one, circle).astype(np.bool_) for one in (label, fov[None]))
            fov = fov[0]
        elif self.fit == "crop":
            side = min(height, width)
            top, left = (height - side) // 2, (width - side) // 2
            label = label[:, top : top + side, left : left + side]
        else:
            side = max(height, width)
            seen = _centred(np.ones((1, height, width), dtype=np.bool_), side)[0]
            label = _centred(label, side)
            fov = Field().mask(side) & seen if fov is None else _centred(fov[None], side)[0]
        full = Field().mask(label.shape[1]) if fov is None else fov
        return resize_masks(label, self.size), area_resize(full[None].astype(np.float32), self.size, self.size)[
            0
        ] >= 0.5


def open_label_maps(folder: str | Path | None, size: int, fit: Fit | None = None) -> LabelMaps | None:
    """The maps of a folder, or None where there is none; errors as of `LabelMaps`.

    Raises:
        ValueError: a ``fit`` without a folder.
    """
    if folder is None and fit is not None:
        raise ValueError(f"fit: found {fit!r} without a folder of maps; say --mask-source folder --mask-folder FOLDER")
    return None if folder is None else LabelMaps(Path(folder), size, fit)


def _centred(planes: NDArray[np.bool_], side: int) -> NDArray[np.bool_]:
    """Planes (C, H, W) in the middle of a square of False."""
    square = np.zeros((len(planes), side, side), dtype=np.bool_)
    top, left = (side - planes.shape[1]) // 2, (side - planes.shape[2]) // 2
    square[:, top : top + planes.shape[1], left : left + planes.shape[2]] = planes
    return square


def _colours(path: Path) -> str:
    """Colours of a map, grey ones as one number."""
    pixels = read_rgb(path).reshape(3, -1)
    found = [tuple(int(level) for level in colour) for colour in np.unique(pixels, axis=1).T[:_SHOWN]]
    return ", ".join(str(one[0] if len(set(one)) == 1 else one) for one in found)
