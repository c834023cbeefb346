"""From vessels to photographs: by the trained cascade, or by the phantom's optics."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from monai_fundusgen.conventions import FOV, IMAGE
from monai_fundusgen.data.reading import read_rgb
from monai_fundusgen.networks.nets.cascade import PhotographCascade
from monai_fundusgen.networks.nets.edsr import EDSR
from monai_fundusgen.phantom.camera import draw_camera
from monai_fundusgen.phantom.photograph import render_photograph
from monai_fundusgen.sampling.finish import PhotographFinish, with_drawn_disc
from monai_fundusgen.sampling.plan import PlannedSample
from monai_fundusgen.sampling.sources import VesselSample
from monai_fundusgen.sampling.workers import Workers
from monai_fundusgen.streams import stream
from monai_fundusgen.transforms.condition import photograph_condition, recorded_points
from monai_fundusgen.transforms.field import CropFieldd, to_network_range
from monai_fundusgen.transforms.fov import estimate_fov
from monai_fundusgen.transforms.pixels import photograph_pixels
from monai_fundusgen.vessels.eye import Retina

#: Rows of the generator's photograph that are enlarged beyond the field of view: with so many, .08 % of the values
#: inside it differ, by one grey level, from enlarging all (two photographs, shipped weights).
_MARGIN_PX: Final = 8


class Painter(Protocol):
    """Anything that makes photographs of vessel samples."""

    def __call__(self, vessels: Sequence[VesselSample], planned: Sequence[PlannedSample]) -> list[NDArray[np.uint8]]:
        """Photographs (3, H, W), in order, black outside the field of view."""

    def shown(self, eye: Retina, seed: int) -> Retina:
        """The record of an eye as the photograph of that seed shows it."""


@dataclass(frozen=True)
class CascadePainter:
    """Photographs by the generator and the enlarger, which follows the exact label; each seed draws its own style.

    Args:
        network: the two stages.
        inferer: runs the network on a batch.
        style: photograph (3, H, W) in [-1, 1] whose camera all samples imitate; None: a style a seed.
        finish: real depths for the vessels, disc and fine ground; None: all stays as the network paints it.
        workers: processes that finish.
    """

    network: PhotographCascade
    inferer: Any
    style: Tensor | None = None
    finish: PhotographFinish | None = None
    workers: Workers = field(default_factory=Workers, compare=False)

    def __call__(self, vessels: Sequence[VesselSample], planned: Sequence[PlannedSample]) -> list[NDArray[np.uint8]]:
        """Paint one sample at a time, so that its bytes do not depend on the batch."""
        seeds = [plan["seed"] for plan in planned]
        painted = [self._paint(sample, seed) for sample, seed in zip(vessels, seeds, strict=True)]
        return painted if self.finish is None else self.workers.map(self.finish, painted, vessels, seeds)

    def shown(self, eye: Retina, seed: int) -> Retina:
        """With the disc that the finish draws, where there is one."""
        return eye if self.finish is None else with_drawn_disc(eye, seed)

    @torch.inference_mode()
    def _paint(self, sample: VesselSample, seed: int) -> NDArray[np.uint8]:
        device = next(self.network.parameters()).device
        self._require_size(sample)
        fov = torch.from_numpy(sample.fov)[None].float()
        coarse_fov = nn.functional.adaptive_avg_pool2d(fov, sample.soft.shape[-1])
        points, field_deg = recorded_points(sample.eye), sample.eye.field.diameter_deg
        condition = photograph_condition(sample.soft, coarse_fov, points, field_deg)[None]
        with self.workers.turns.on(device):
            photograph = self.inferer(
                condition.to(device, memory_format=torch.channels_last),
                self.network,
                guide=torch.from_numpy(sample.label)[None].float().to(device),
                style=self.network.styles([seed], self.style),
                rows=_rows(sample.fov, coarse_fov.shape[-1]),
            )[0]
            pixels = photograph_pixels(photograph).cpu().numpy()
        return pixels * sample.fov.astype(np.uint8)

    def _require_size(self, sample: VesselSample) -> None:
        """The enlarger follows the label pixel by pixel."""
        if isinstance(self.network.enlarger, EDSR):
            painted, side = sample.soft.shape[-1] * self.network.enlarger.scale, sample.label.shape[-1]
            if side != painted:
                raise ValueError(f"size: found {side}, but the cascade paints {painted} px; set size to {painted}")


@dataclass(frozen=True)
class PhantomPainter:
    """Photographs by the phantom's optics; needs samples that know their eye.

    Args:
        artefacts: let cameras have dust, flare and JPEG loss now and then.
        workers: processes that render.
    """

    artefacts: bool = False
    workers: Workers = field(default_factory=Workers, compare=False)

    def __call__(self, vessels: Sequence[VesselSample], planned: Sequence[PlannedSample]) -> list[NDArray[np.uint8]]:
        """Render each eye with a camera drawn from the sample's seed."""
        return self.workers.map(partial(_rendered, self.artefacts), vessels, [plan["seed"] for plan in planned])

    def shown(self, eye: Retina, seed: int) -> Retina:
        """As it is."""
        return eye


def _rows(fov: NDArray[np.bool_], size: int) -> tuple[int, int]:
    """Rows, of ``size``, that hold the field of view (S, S) and some more; the first, and the one behind the last."""
    (seen,) = np.nonzero(fov.any(axis=1))
    if not seen.size:
        return 0, size
    scale = fov.shape[0] / size
    return max(int(seen[0] / scale) - _MARGIN_PX, 0), min(int(seen[-1] / scale) + 1 + _MARGIN_PX, size)


def _rendered(artefacts: bool, sample: VesselSample, seed: int) -> NDArray[np.uint8]:
    if sample.raster is None:
        raise ValueError(
            f"photograph_source: found 'phantom' with maps from {sample.origin.get('source')!r}, "
            "which know no eye; use mask_source phantom, or photograph_source cascade"
        )
    camera = draw_camera(stream(seed, "camera"), artefacts=artefacts)
    return render_photograph(sample.eye, sample.raster, seed=seed, camera=camera)


def open_painter(
    source: str,
    network: PhotographCascade | None,
    inferer: Any,
    *,
    style: str | Path | None = None,
    artefacts: bool = False,
    finish: PhotographFinish | None = None,
    workers: Workers | None = None,
) -> Painter:
    """The painter of that name: cascade or phantom.

    Args:
        source: cascade or phantom.
        network: the cascade; the phantom's optics need none.
        inferer: runs the cascade.
        style: photograph to imitate; the cascade only.
        artefacts: dust, flare and JPEG loss now and then; the phantom's optics only.
        finish: the last hand on the cascade's photographs.
        workers: processes that finish or render; None: this one.

    Raises:
        ValueError: another name, artefacts of the cascade, a style for the phantom's optics or for a generator without
            style, or one that is no fundus photograph.
    """
    if artefacts and source != "phantom":
        raise ValueError(f"artefacts: found true with photograph_source {source}; only the phantom's camera has them")
    if style is not None and (source != "cascade" or not (network and network.styled)):
        raise ValueError(
            f"style: found {str(style)!r} with photograph_source {source}; only the cascade imitates a photograph, and "
            "only with a generator that takes a style"
        )
    workers = workers or Workers()
    if source == "cascade":
        assert network is not None, "the cascade is a network"
        return CascadePainter(network, inferer, None if style is None else _photograph(style), finish, workers)
    if source == "phantom":
        return PhantomPainter(artefacts, workers)
    raise ValueError(f"photograph_source: found {source!r}, expected cascade or phantom")


def _photograph(path: str | Path) -> Tensor:
    """A photograph (3, S, S) in [-1, 1], squared round its field of view as in training."""
    pixels = read_rgb(path)
    try:
        field = estimate_fov(pixels)[None]
    except ValueError as error:
        raise ValueError(f"{path}: {error}; give a fundus photograph as style") from error
    item: dict[Hashable, Any] = {IMAGE: pixels.astype(np.float32) / 255, FOV: field}
    return to_network_range(torch.as_tensor(CropFieldd((IMAGE,), 256)(item)[IMAGE]))
