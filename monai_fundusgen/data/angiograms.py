"""Angiograms for training: phantom eyes in seconds after injection, or frames on disk with their vessel maps."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Final

import numpy as np
import torch
from monai.transforms import Transform
from numpy.typing import NDArray
from torch import Tensor

from monai_fundusgen.conventions import FOV, IMAGE, LABEL, SEED, UNCERTAIN, VESSEL
from monai_fundusgen.data.loading import LoadFundusd
from monai_fundusgen.phantom.anatomy import Anatomy
from monai_fundusgen.phantom.angiogram import angiogram_sequence
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.streams import stream
from monai_fundusgen.transforms.vessel_union import UniteVesselsd
from monai_fundusgen.vessels.drawing import rasterise

#: Spans of time (s after injection) that frames are drawn from in turn: choroid, arteries, veins, peak, fading, late.
SPANS_S: Final = ((9.8, 12.5), (12.5, 15.5), (15.5, 20.0), (20.0, 40.0), (40.0, 150.0), (150.0, 700.0))


def drawn_times_s(seed: int, count: int) -> NDArray[np.float64]:
    """Times after injection of an eye's frames, (count,), increasing; a function of the seed.

    Frames take the spans of `SPANS_S` in turn, the first one that of ``seed`` modulo their number, so that single
    frames of successive seeds show every phase; within a span times have an even logarithm.
    """
    rng = stream(seed, "frame times")
    spans = np.log([SPANS_S[(seed + place) % len(SPANS_S)] for place in range(count)])
    return np.sort(np.exp(rng.uniform(spans[:, 0], spans[:, 1])))


def phantom_angiogram(
    seed: int, size: int, num_frames: int, *, anatomy: Anatomy | None = None
) -> dict[str, NDArray[np.generic]]:
    """Frames of a phantom eye that does not move, and its vessels.

    Args:
        seed: of the eye, of its circulation and of the times.
        size: side of the frames in px.
        num_frames: T, at least 1.
        anatomy: population and camera that the eye is drawn from.

    Returns:
        image (T, size, size) uint8; vessel and fov (1, size, size), bool.
    """
    retina = grow_retina(seed, anatomy=anatomy)
    raster = rasterise(retina, size)
    frames = angiogram_sequence(retina, raster, drawn_times_s(seed, num_frames).tolist(), seed=seed, motion=0.0)
    return {IMAGE: frames.frames, VESSEL: np.asarray(raster.label.any(axis=0))[None], FOV: raster.fov[None]}


class LoadAngiogramd(Transform):
    """Open a frame on disk with its vessel map, or draw frames of the phantom eye of a seed.

    =======  ================================================================================
    image    (T, H, W) uint8: T frames of one still eye; T is 1 for a file (its channels' mean)
    vessel   (1, H, W) float32 of 0 and 1; of a file: its vessel map, or its label's vessels
    fov      (1, H, W) float32 of 0 and 1
    =======  ================================================================================

    Args:
        num_frames: frames of a phantom eye, at least 1.
        labelled: False leaves ``vessel`` out, and serves frames without a map.
        phantom_size: side of phantom frames in px.
        phantom_anatomy: population and camera that phantom eyes are drawn from; the default ones if left out.

    Raises:
        ValueError: no frame.
        OSError, ValueError, KeyError (when called): as `LoadFundusd` and `UniteVesselsd`.
    """

    def __init__(
        self,
        num_frames: int = 6,
        *,
        labelled: bool = True,
        phantom_size: int = 1024,
        phantom_anatomy: Anatomy | None = None,
    ) -> None:
        if num_frames < 1:
            raise ValueError(f"num_frames: found {num_frames}, expected at least 1")
        self.num_frames, self.phantom_size, self.phantom_anatomy = num_frames, phantom_size, phantom_anatomy
        self.labelled = labelled
        keys = (IMAGE, LABEL, UNCERTAIN, VESSEL, FOV) if labelled else (IMAGE, FOV)
        self._opened = LoadFundusd(keys, image_dtype=torch.uint8)
        self._united = UniteVesselsd()

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with frames, vessels and field."""
        if SEED in data:
            return {**data, **self._drawn(int(data[SEED]))}
        item = self._united(self._opened(data)) if self.labelled else self._opened(data)
        frame = torch.as_tensor(item[IMAGE]).as_subclass(Tensor).float().mean(dim=0, keepdim=True)
        return {**item, IMAGE: frame.round().to(torch.uint8)}

    def _drawn(self, seed: int) -> dict[Hashable, Tensor]:
        """Frames, vessels and field of the phantom eye of a seed."""
        drawn = phantom_angiogram(seed, self.phantom_size, self.num_frames, anatomy=self.phantom_anatomy)
        frames, vessel, fov = (torch.from_numpy(drawn[key]) for key in (IMAGE, VESSEL, FOV))
        return {IMAGE: frames, VESSEL: vessel.float(), FOV: fov.float()}
