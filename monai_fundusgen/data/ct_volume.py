"""CT volumes: Hounsfield units on an upright grid, read from NIfTI, and what is refused because it is no such thing."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import nibabel as nib
import numpy as np
from nibabel import orientations
from numpy.typing import NDArray
from scipy import ndimage

from monai_fundusgen.storage.whole_file import write_whole

#: Units that a volume is clipped to: what scanners store in 12 bits. Below are paddings, above is metal.
LOW_HU: Final = -1024
HIGH_HU: Final = 3071
_AIR_BELOW_HU: Final = -200  # every CT slice shows air or lung; a label map or a normalised image has nothing so low
_POSSIBLE_HU: Final = (-10_000, 40_000)  # paddings and extended scales lie inside
_AXES: Final = ("L", "P", "S")  # to the left, to the back, to the head: rows and columns as radiologists look at them
_LEVEL_DEG: Final = 0.5  # a grid that leans by less is taken for upright


@dataclass(frozen=True)
class CTVolume:
    """A stack of slices.

    Attributes:
        hu: (X, Y, Z) int16 in [-1024, 3071].
        affine: (4, 4) from indices to mm, x to the right, y to the front, z to the head, as in NIfTI.
    """

    hu: NDArray[np.int16]
    affine: NDArray[np.float64]

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance of neighbours along the three axes."""
        x, y, z = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(x), float(y), float(z)

    def height_mm(self, index: int) -> float:
        """Z of the middle of a slice, in mm."""
        middle = [(self.hu.shape[0] - 1) / 2, (self.hu.shape[1] - 1) / 2, index, 1]
        return float((self.affine @ middle)[2])

    def crop(self, box: tuple[slice, slice, slice]) -> CTVolume:
        """The part in a box of indices, where it was."""
        affine = self.affine.copy()
        affine[:3, 3] = (self.affine @ [*(part.start for part in box), 1])[:3]
        return CTVolume(np.ascontiguousarray(self.hu[box]), affine)


def checked_hu(values: NDArray[np.generic]) -> NDArray[np.int16]:
    """Values rounded and clipped to [-1024, 3071] HU.

    Raises:
        ValueError: they cannot be Hounsfield units: complex or coloured, not finite, far outside, or without any air.
    """
    if values.dtype.kind not in "iufb":
        raise ValueError(f"values of type {values.dtype}; expected one number in HU a voxel")
    if not np.isfinite(values).all():
        raise ValueError("values that are not finite; expected HU, air at -1000")
    low, high = float(values.min()), float(values.max())
    if low < _POSSIBLE_HU[0] or high > _POSSIBLE_HU[1]:
        raise ValueError(f"values {low:g} to {high:g}; no Hounsfield units: expected about -1024 to 3071")
    if low > _AIR_BELOW_HU:
        raise ValueError(
            f"values {low:g} to {high:g}, nothing below {_AIR_BELOW_HU} HU: no air, so no CT in Hounsfield units; a "
            "label map, or values that were rescaled? give the volume in HU"
        )
    found: NDArray[np.int16] = np.rint(np.clip(values, LOW_HU, HIGH_HU)).astype(np.int16)
    return found


def read_nifti(path: str | Path) -> CTVolume:
    """The volume of a NIfTI file, upright (see `upright`).

    Raises:
        OSError: unreadable or cut; the message names the file.
        ValueError: not three-dimensional, no spacing, or no HU (see `checked_hu`).
    """
    try:
        image = nib.loadsave.load(path)
        values = np.asanyarray(image.dataobj)  # type: ignore[attr-defined]
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file") from None
    except Exception as error:  # nibabel raises what its parts raise: zlib, gzip, struct, its own
        raise OSError(f"{path}: cannot be read as NIfTI ({' '.join(str(error).split()) or error!r})") from error
    try:
        return upright(_volume(values, np.asarray(image.affine, dtype=np.float64)))  # type: ignore[attr-defined]
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _volume(values: NDArray[np.generic], affine: NDArray[np.float64]) -> CTVolume:
    while values.ndim > 3 and values.shape[-1] == 1:
        values = values[..., 0]
    if values.ndim != 3:
        raise ValueError(f"shape {values.shape}; expected three axes: save each time point as a file of its own")
    sides = np.linalg.norm(affine[:3, :3], axis=0)
    if not np.isfinite(affine).all() or sides.min() <= 0 or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise ValueError(f"voxels of {' x '.join(f'{side:g}' for side in sides)} mm; expected sides above 0")
    return CTVolume(checked_hu(values), affine)


def upright(volume: CTVolume) -> CTVolume:
    """The volume with its axes to the left, to the back and to the head.

    Axes are exchanged and turned round, which changes no value. A grid that leans by 0.5 degrees or more (an oblique
    volume, a tilted gantry) is resampled linearly on an upright one of the same spacing; outside it is air.
    """
    turn = orientations.ornt_transform(
        orientations.io_orientation(volume.affine), orientations.axcodes2ornt(_AXES)
    )  # fmt: skip
    hu = orientations.apply_orientation(volume.hu, turn)
    affine = volume.affine @ orientations.inv_ornt_aff(turn, volume.hu.shape)
    turned = CTVolume(np.ascontiguousarray(hu), affine)
    return turned if lean_deg(affine) < _LEVEL_DEG else _resampled(turned)


def lean_deg(affine: NDArray[np.float64]) -> float:
    """Largest angle between an axis of the grid and the axis of the body that it is nearest to."""
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return float(np.degrees(np.arccos(np.clip(np.abs(directions).max(axis=0), 0, 1))).max())


def _resampled(volume: CTVolume) -> CTVolume:
    """On the upright grid that holds all of it."""
    corners = np.array([[x, y, z, 1] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=np.float64)
    corners[:, :3] *= np.array(volume.hu.shape) - 1
    where = (corners @ volume.affine.T)[:, :3]
    spacing = np.array(volume.spacing_mm)
    target = np.diag([-spacing[0], -spacing[1], spacing[2], 1.0])
    target[:3, 3] = [where[:, 0].max(), where[:, 1].max(), where[:, 2].min()]
    shape = tuple(int(side) for side in np.ceil(np.ptp(where, axis=0) / spacing - 1e-6) + 1)
    between = np.linalg.inv(volume.affine) @ target
    hu = ndimage.affine_transform(
        volume.hu.astype(np.float32), between[:3, :3], between[:3, 3], output_shape=shape, order=1, cval=LOW_HU
    )
    return CTVolume(np.rint(hu).astype(np.int16), target)


def nifti_bytes(volume: CTVolume) -> bytes:
    """The volume as a compressed NIfTI file; equal volumes give equal bytes."""
    image = nib.nifti1.Nifti1Image(volume.hu, volume.affine)
    image.header.set_xyzt_units("mm")
    return gzip.compress(image.to_bytes(), compresslevel=4, mtime=0)


def write_nifti(path: str | Path, volume: CTVolume) -> None:
    """Write ``.nii.gz``, whole or not at all."""
    write_whole(path, nifti_bytes(volume))
