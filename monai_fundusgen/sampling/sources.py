"""Where vessel maps come from: the phantom, the mask diffusion model, or a folder of label maps.

A source turns planned samples into `VesselSample` records; every draw depends on the sample's seed alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from monai_fundusgen.data.reading import read_av, read_fov
from monai_fundusgen.phantom.anatomy import Anatomy
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.sampling.label_drawing import LabelDrawing
from monai_fundusgen.sampling.plan import PlannedSample
from monai_fundusgen.transforms.traits import TraitRequest
from monai_fundusgen.vessels.drawing import VesselRaster, rasterise
from monai_fundusgen.vessels.eye import Retina
from monai_fundusgen.vessels.field import Field
from monai_fundusgen.weights.stages import load_stage


@dataclass(frozen=True)
class VesselSample:
    """The vessels of one sample, before it has a photograph.

    Attributes:
        soft: vessel map that the photograph is drawn from, (2, S, S) in [0, 1], area-averaged.
        label: exact label at the size of the photograph, (2, H, W) bool.
        fov: field of view at the size of the photograph, (H, W) bool.
        origin: what the manifest tells of it.
        retina: the eye itself, where the source knows it.
        raster: its raster at the size of the photograph, where the source knows it.
    """

    soft: Tensor
    label: NDArray[np.bool_]
    fov: NDArray[np.bool_]
    origin: dict[str, Any] = field(default_factory=dict)
    retina: Retina | None = None
    raster: VesselRaster | None = None


class MapSource(Protocol):
    """Anything that draws vessels for planned samples."""

    def __call__(self, planned: Sequence[PlannedSample]) -> list[VesselSample]:
        """Vessels of each planned sample, in order."""


def area_average(planes: NDArray[np.bool_], size: int) -> Tensor:
    """Soft map (C, size, size) of binary planes whose side is a multiple of ``size``."""
    return nn.functional.adaptive_avg_pool2d(torch.from_numpy(planes.astype(np.float32)), size)


@dataclass(frozen=True)
class PhantomMaps:
    """Eyes of the procedural phantom; labels are rastered from the vessel graph.

    Args:
        size: side of label and photograph in px.
        coarse_size: side of the soft map in px, a divisor of ``size``.
        anatomy: what to grow; the default anatomy if left out.
        min_diameter_um: thinner vessels are in the graph but not in the label.
    """

    size: int = 1024
    coarse_size: int = 256
    anatomy: Anatomy | None = None
    min_diameter_um: float = 0.0

    def __call__(self, planned: Sequence[PlannedSample]) -> list[VesselSample]:
        """Grow and raster one eye for each planned sample."""
        return [self._grow(sample["seed"]) for sample in planned]

    def _grow(self, seed: int) -> VesselSample:
        retina = grow_retina(seed, anatomy=self.anatomy)
        raster = rasterise(retina, self.size, min_diameter_um=self.min_diameter_um)
        soft = area_average(raster.label, self.coarse_size)
        origin = {"source": "phantom", "right_eye": bool(retina.landmarks.right_eye)}
        return VesselSample(soft, raster.label, raster.fov, origin, retina, raster)


@dataclass(frozen=True)
class SampledMaps:
    """Maps sampled from the mask diffusion model; labels are drawn from the vessels traced in them.

    The soft map of a sample is the average of its label, as in training: the photograph shows what the label says.

    Args:
        network: denoising network on its device.
        sampler: inferer that turns seeds and the network into soft maps (B, 2, S, S) in [0, 1].
        drawing: how a map becomes a label.
        request: what the sampler asks for, for the manifest.
        batch: maps sampled at once, always so many: convolutions round by the size of their batch, and a sample's bytes
            must not depend on its company. What is lacking is filled up and thrown away.
    """

    network: nn.Module
    sampler: Any
    drawing: LabelDrawing = LabelDrawing()
    request: TraitRequest | None = None
    batch: int = 4

    def __call__(self, planned: Sequence[PlannedSample]) -> list[VesselSample]:
        """Sample all maps, then trace them."""
        seeds = [sample["seed"] for sample in planned]
        chunks = [seeds[start : start + self.batch] for start in range(0, len(seeds), self.batch)]
        maps = [soft for chunk in chunks for soft in self._sampled(chunk)]
        return [self._traced(soft, seed) for soft, seed in zip(maps, seeds, strict=True)]

    def _sampled(self, seeds: Sequence[int]) -> Tensor:
        filled = [*seeds, *[seeds[-1]] * (self.batch - len(seeds))]
        maps: Tensor = self.sampler(filled, self.network)[: len(seeds)]
        return maps.float().cpu().clamp(0, 1)

    def _traced(self, soft: Tensor, seed: int) -> VesselSample:
        label = self.drawing.label(soft.numpy())
        asked = {} if self.request is None else {"requested": self.request.draw(seed)}
        return VesselSample(area_average(label, soft.shape[-1]), label, self.drawing.fov, {"source": "ddpm", **asked})


class FolderMaps:
    """Label maps from a folder, in sorted order; after the last the first comes again.

    The field of view is ``../fov/<name>`` where there is one, as in a data set of this package, else a full circle.

    Args:
        folder: square label maps in codes 0 to 3 or in RITE's colours.
        size: side of label and photograph in px; that of the maps.
        coarse_size: side of the soft map in px, a divisor of ``size``.

    Raises:
        FileNotFoundError: no PNG in the folder.
    """

    def __init__(self, folder: str | Path, *, size: int = 1024, coarse_size: int = 256) -> None:
        self.files = sorted(Path(folder).glob("*.png"))
        self.size = size
        self.coarse_size = coarse_size
        if not self.files:
            raise FileNotFoundError(f"{folder}: no PNG there; give the folder with the label maps as mask_folder")

    def __call__(self, planned: Sequence[PlannedSample]) -> list[VesselSample]:
        """Read the map that belongs to each planned sample."""
        return [self._read(self.files[sample["index"] % len(self.files)]) for sample in planned]

    def _read(self, path: Path) -> VesselSample:
        planes = read_av(path)
        label = np.stack([planes.artery, planes.vein])
        if label.shape[1:] != (self.size, self.size):
            raise ValueError(
                f"{path}: {label.shape[2]} x {label.shape[1]} px, expected {self.size} x {self.size}; "
                "resize the map, or set size to its side"
            )
        beside = path.parent.parent / "fov" / path.name
        fov = read_fov(beside) if beside.is_file() else Field().mask(self.size)
        label &= fov
        return VesselSample(area_average(label, self.coarse_size), label, fov, {"source": "folder", "file": path.name})


def _require_able(source: str, request: TraitRequest | None) -> None:
    """Only the mask model can be asked for any trait; a phantom can be asked for its laterality."""
    asked = {} if request is None else {name: getattr(request, name) for name in ("laterality", "density", "avr")}
    possible = {"ddpm": asked.keys(), "phantom": ("laterality",)}.get(source, ())
    refused = [name for name, wish in asked.items() if wish not in (None, "either") and name not in possible]
    if refused:
        raise ValueError(
            f"mask_source {source} cannot be asked for {', '.join(refused)}; take mask_source ddpm"
            + (", or change the phantom's anatomy" if source == "phantom" else "")
        )


def open_map_source(
    source: str,
    *,
    size: int = 1024,
    mask_bundle: str | Path | None = None,
    mask_folder: str | Path | None = None,
    anatomy: Anatomy | None = None,
    request: TraitRequest | None = None,
    device: torch.device | str = "cpu",
    batch: int = 4,
) -> MapSource:
    """The source of that name: ddpm (needs ``mask_bundle``), phantom (of ``anatomy``), or folder (``mask_folder``).

    Args:
        source: ddpm, phantom or folder.
        size: side of label and photograph in px.
        mask_bundle: bundle of the mask model.
        mask_folder: folder with label maps.
        anatomy: population that phantoms are drawn from; of a ``request`` they take the laterality.
        request: traits that the mask model is asked for.
        device: where the mask model runs.
        batch: maps that the mask model samples at once.

    Raises:
        ValueError: another name, what it needs is missing, a request that it cannot meet, or an impossible size.
    """
    _require_able(source, request)
    if not isinstance(size, int) or size < 1:
        raise ValueError(f"size: found {size!r}, expected the side of photograph and label in px, say 1024")
    if source == "phantom":
        if request is not None and request.laterality is not None:
            anatomy = replace(anatomy or Anatomy(), laterality=request.laterality)
        return PhantomMaps(size=size, anatomy=anatomy)
    if source == "ddpm" and mask_bundle is not None:
        stage = load_stage(mask_bundle, device)
        if request is not None:
            stage.inferer.request = request
        return SampledMaps(stage.network, stage.inferer, LabelDrawing(size, **stage.maps), stage.inferer.request, batch)
    if source == "folder" and mask_folder is not None:
        return FolderMaps(mask_folder, size=size)
    raise ValueError(
        f"mask_source: found {source!r} with mask_bundle {mask_bundle!r} and mask_folder {mask_folder!r}; "
        "expected ddpm with a bundle, phantom, or folder with a folder"
    )
