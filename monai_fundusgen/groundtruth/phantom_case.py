"""A case of a procedural eye, of which everything is known: where each point of the photograph lies in each frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.groundtruth.case import Case, Frame
from monai_fundusgen.groundtruth.warp import Warp
from monai_fundusgen.phantom.angiogram import AngiogramSequence, angiogram_sequence
from monai_fundusgen.phantom.photograph import render_photograph
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.vessels.drawing import VesselRaster, rasterise
from monai_fundusgen.vessels.eye import Retina
from monai_fundusgen.vessels.skeleton import thin

FloatArray = NDArray[np.float64]

#: Seconds after injection of twelve frames that show every phase.
TWELVE_TIMES_S: Final = (10.8, 12.2, 13.0, 14.0, 15.5, 17.5, 20.0, 24.0, 40.0, 90.0, 180.0, 600.0)


@dataclass(frozen=True)
class PhantomCase:
    """A case, and the eye behind it.

    Attributes:
        case: as a hospital would keep it.
        retina: the eye, with the field of the photograph; ``raster`` its vessels on the photograph's grid.
        angiogram_retina: the eye with the field of the angiogram.
        sequence: the angiogram with its motion and filling.
    """

    case: Case
    retina: Retina
    raster: VesselRaster
    angiogram_retina: Retina
    sequence: AngiogramSequence

    def error_px(self, index: int, photograph_points: FloatArray, frame_points: FloatArray) -> FloatArray:
        """How far apart on the retina matched points (N, 2) are, in pixels of the photograph: (N,).

        Args:
            index: of the frame.
            photograph_points: (x, y) on the photograph.
            frame_points: (x, y) where a registration found them in the frame. NaN comes back outside the frame.
        """
        size = self.sequence.frames.shape[-1]
        moved = np.stack([
            ndimage.map_coordinates(plane, frame_points.T[::-1], order=1, cval=np.nan)
            for plane in self.sequence.displacement_px[index]
        ], axis=1)  # fmt: skip
        still = self.angiogram_retina.field
        on_retina = (frame_points + moved - (size - 1) / 2) * still.pixel_mm(size) + np.asarray(still.centre_mm)
        apart = self.retina.field.to_pixels(on_retina, self.raster.fov.shape[0]) - photograph_points
        return np.hypot(apart[:, 0], apart[:, 1])

    def centre_points(self) -> FloatArray:
        """Every third centre-line pixel (x, y) of the vessels of the photograph, (N, 2)."""
        return np.argwhere(thin(self.raster.label[ARTERY] | self.raster.label[VEIN]))[::3, ::-1].astype(np.float64)

    def errors_px(self, index: int, warp: Warp) -> FloatArray:
        """How far a registration is off, in pixels of the photograph, at each centre point that the frame shows.

        Args:
            index: of the frame.
            warp: photograph to frame.
        """
        points = self.centre_points()
        found = self.error_px(index, points, warp.map(points))
        return found[np.isfinite(found)]


def phantom_case(
    seed: int,
    times_s: Sequence[float] = TWELVE_TIMES_S,
    *,
    size: int = 1024,
    motion: float = 1.0,
    angiogram_deg: float | None = None,
    photograph_deg: float | None = None,
    noise: float = 0.012,
) -> PhantomCase:
    """Photograph and angiogram of the eye of a seed.

    Args:
        seed: of eye, photograph, circulation and motion.
        times_s: seconds after injection, increasing.
        size: side of photograph and frames, px.
        motion: amount of motion of all frames but the first (``draw_deformation``): at 1 a few degrees, 0.15 mm, and
            an elastic part of up to 0.16 mm, 12 px at 1024.
        angiogram_deg, photograph_deg: width of the field; the eye's own (45) when None.
        noise: grain of the frames.
    """
    retina = grow_retina(seed)
    flash, dyed = (
        replace(retina, field=replace(retina.field, diameter_deg=deg)) if deg else retina
        for deg in (photograph_deg, angiogram_deg)
    )
    raster = rasterise(flash, size)
    dyed_raster = raster if flash.field == dyed.field else rasterise(dyed, size)
    sequence = angiogram_sequence(dyed, dyed_raster, times_s, seed=seed, motion=motion, noise=noise)
    frames = tuple(
        Frame(f"{time_s:06.1f}s.png", image.astype(np.float32) / 255, dyed_raster.fov, float(time_s))
        for time_s, image in zip(times_s, sequence.frames, strict=True)
    )
    case = Case(f"phantom {seed}", render_photograph(flash, raster, seed=seed), raster.fov, frames)
    return PhantomCase(case, flash, raster, dyed, sequence)
