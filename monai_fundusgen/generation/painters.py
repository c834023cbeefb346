"""From vessels to photographs: by the trained cascade, or by the phantom's optics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from monai_fundusgen.generation.map_sources import VesselSample
from monai_fundusgen.generation.plan import PlannedSample
from monai_fundusgen.phantom.photograph import render_photograph
from monai_fundusgen.transforms.condition import photograph_condition
from monai_fundusgen.transforms.pixels import photograph_pixels


class Painter(Protocol):
    """Anything that makes photographs of vessel samples."""

    def __call__(self, vessels: Sequence[VesselSample], planned: Sequence[PlannedSample]) -> list[NDArray[np.uint8]]:
        """Photographs (3, H, W), in order, black outside the field of view."""


@dataclass(frozen=True)
class CascadePainter:
    """Photographs by the generator and the enlarger.

    Args:
        network: condition (B, 3, S, S) to photograph (B, 3, H, W) in [-1, 1].
        inferer: runs the network on a batch.
    """

    network: nn.Module
    inferer: Any

    def __call__(self, vessels: Sequence[VesselSample], planned: Sequence[PlannedSample]) -> list[NDArray[np.uint8]]:
        """Paint one sample at a time, so that its bytes do not depend on the batch."""
        return [self._paint(sample) for sample in vessels]

    @torch.inference_mode()
    def _paint(self, sample: VesselSample) -> NDArray[np.uint8]:
        device = next(self.network.parameters()).device
        fov = torch.from_numpy(sample.fov)[None].float()
        coarse_fov = nn.functional.adaptive_avg_pool2d(fov, sample.soft.shape[-1])
        condition = photograph_condition(sample.soft, coarse_fov)[None].to(device, memory_format=torch.channels_last)
        photograph = self.inferer(condition, self.network)[0]
        return photograph_pixels(photograph).cpu().numpy() * sample.fov.astype(np.uint8)


@dataclass(frozen=True)
class PhantomPainter:
    """Photographs by the phantom's optics; needs samples that know their eye."""

    def __call__(self, vessels: Sequence[VesselSample], planned: Sequence[PlannedSample]) -> list[NDArray[np.uint8]]:
        """Render each eye with a camera drawn from the sample's seed."""
        return [self._render(sample, plan["seed"]) for sample, plan in zip(vessels, planned, strict=True)]

    def _render(self, sample: VesselSample, seed: int) -> NDArray[np.uint8]:
        if sample.retina is None or sample.raster is None:
            raise ValueError(
                f"photograph_source: found 'phantom' with maps from {sample.origin.get('source')!r}, "
                "which know no eye; use mask_source phantom, or photograph_source cascade"
            )
        return render_photograph(sample.retina, sample.raster, rng=np.random.default_rng(seed))


def open_painter(kind: str, network: nn.Module, inferer: Any) -> Painter:
    """The painter named ``kind``: cascade or phantom.

    Raises:
        ValueError: another kind.
    """
    if kind == "cascade":
        return CascadePainter(network, inferer)
    if kind == "phantom":
        return PhantomPainter()
    raise ValueError(f"photograph_source: found {kind!r}, expected cascade or phantom")
