"""Where vessel maps come from: the phantom, the mask diffusion model, or a folder of label maps.

A source turns planned samples into `VesselSample` records; every draw depends on the sample's seed alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from monai_fundusgen.dataset.placement import MAX_SIZE
from monai_fundusgen.inferers.diffusion import RequestedSampler
from monai_fundusgen.phantom.anatomy import Anatomy
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.sampling.label_drawing import LabelDrawing
from monai_fundusgen.sampling.label_maps import LabelMaps
from monai_fundusgen.sampling.plan import PlannedSample
from monai_fundusgen.sampling.workers import HERE, Workers
from monai_fundusgen.transforms.traits import TraitRequest
from monai_fundusgen.vessels.drawing import VesselRaster, rasterise
from monai_fundusgen.vessels.eye import Retina
from monai_fundusgen.weights.stages import load_stage

#: Memory that a sample takes while it is made; 72 to 81 were measured from 1024 to 3072 px (phantom, peak).
BYTES_PER_PIXEL: Final = 90


@dataclass(frozen=True)
class VesselSample:
    """The vessels of one sample, before it has a photograph.

    Attributes:
        soft: vessel map that the photograph is drawn from, (2, S, S) in [0, 1], area-averaged.
        label: exact label at the size of the photograph, (2, H, W) bool.
        fov: field of view at the size of the photograph, (H, W) bool.
        eye: its record: the truth of a phantom, else what was traced and found in the map.
        origin: what the manifest tells of it.
        raster: the eye's raster at the size of the photograph, where the source has one.
    """

    soft: Tensor
    label: NDArray[np.bool_]
    fov: NDArray[np.bool_]
    eye: Retina
    origin: dict[str, Any] = field(default_factory=dict)
    raster: VesselRaster | None = None


class MapSource(Protocol):
    """Anything that draws vessels for planned samples."""

    def __call__(self, planned: Sequence[PlannedSample], workers: Workers = HERE) -> list[VesselSample]:
        """Vessels of each planned sample, in order; what needs no network is done by the workers."""


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

    def __call__(self, planned: Sequence[PlannedSample], workers: Workers = HERE) -> list[VesselSample]:
        """Grow and raster one eye for each planned sample."""
        grow = partial(_grown, self.anatomy, self.size, self.coarse_size, self.min_diameter_um)
        return workers.map(grow, [sample["seed"] for sample in planned])


def _grown(anatomy: Anatomy | None, size: int, coarse_size: int, min_diameter_um: float, seed: int) -> VesselSample:
    retina = grow_retina(seed, anatomy=anatomy)
    raster = rasterise(retina, size, min_diameter_um=min_diameter_um)
    soft = area_average(raster.label, coarse_size)
    return VesselSample(soft, raster.label, raster.fov, retina, told_of(retina, size), raster)


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

    def __call__(self, planned: Sequence[PlannedSample], workers: Workers = HERE) -> list[VesselSample]:
        """Sample all maps, then trace them."""
        seeds = [sample["seed"] for sample in planned]
        chunks = [seeds[start : start + self.batch] for start in range(0, len(seeds), self.batch)]
        maps = [soft for chunk in chunks for soft in self._sampled(chunk, workers)]
        return workers.map(partial(_traced, self.drawing, self.request), maps, seeds)

    def _sampled(self, seeds: Sequence[int], workers: Workers) -> NDArray[np.float32]:
        filled = [*seeds, *[seeds[-1]] * (self.batch - len(seeds))]
        device = next((weight.device for weight in self.network.parameters()), torch.device("cpu"))
        with workers.turns.on(device):
            maps: Tensor = self.sampler(filled, self.network)[: len(seeds)]
            found: NDArray[np.float32] = maps.float().cpu().clamp(0, 1).numpy()
        return found


def _traced(drawing: LabelDrawing, request: TraitRequest | None, soft: NDArray[np.float32], seed: int) -> VesselSample:
    label, eye = drawing.traced(soft, seed=seed)
    asked = {} if request is None else {"requested": request.draw(seed)}
    origin = {**told_of(eye, drawing.size), **asked}
    return VesselSample(area_average(label, soft.shape[-1]), label, drawing.fov, eye, origin)


class FolderMaps:
    """Label maps from a folder, in sorted order; after the last the first comes again.

    The eye is traced in the map, as in a sampled one.

    Args:
        folder: the maps, or their folder, see `monai_fundusgen.sampling.label_maps.LabelMaps`.
        size: side of label and photograph in px.
        coarse_size: side of the soft map in px, a divisor of ``size``.
        field_deg: visual angle of the field.

    Raises:
        FileNotFoundError, NotADirectoryError, ValueError, OSError: as there; all maps are read.
    """

    def __init__(
        self, folder: LabelMaps | str | Path, *, size: int = 1024, coarse_size: int = 256, field_deg: float = 60.0
    ) -> None:
        self.maps = folder if isinstance(folder, LabelMaps) else LabelMaps(Path(folder), size)
        self.size = size
        self.coarse_size = coarse_size
        self.drawing = LabelDrawing(size, field_deg=field_deg)

    def __call__(self, planned: Sequence[PlannedSample], workers: Workers = HERE) -> list[VesselSample]:
        """Read the map that belongs to each planned sample."""
        return workers.map(self._read, [sample["index"] for sample in planned])

    def _read(self, index: int) -> VesselSample:
        found = self.maps.read(index)
        sample = sample_of_label(found.label, found.fov, self.drawing, self.coarse_size)
        origin: dict[str, Any] = {**sample.origin, "file": found.name}
        if found.uncertain_px:
            origin["warning"] = f"{found.uncertain_px} px of the map are vessel of unknown kind, and background here"
        return replace(sample, origin=origin)


def sample_of_label(
    label: NDArray[np.bool_], fov: NDArray[np.bool_], drawing: LabelDrawing, coarse_size: int = 256
) -> VesselSample:
    """Vessels of a label that is given: the eye is traced in it, the label stays as it is.

    Args:
        label: (2, S, S), artery then vein.
        fov: field of view (S, S).
        drawing: how it is traced; of size S.
        coarse_size: side of the soft map in px, a divisor of S.
    """
    soft = area_average(label, coarse_size)
    _, eye = drawing.traced(soft.numpy(), source="folder")
    return VesselSample(soft, label, fov, eye, told_of(eye, drawing.size))


def told_of(eye: Retina, size: int) -> dict[str, Any]:
    """What the manifest tells of an eye: source, side, field, disc and fovea in px, and which of them are estimated.

    ``disc_px`` and ``fovea_px`` are (row, column) of the photograph, whose side is ``size``; None where unknown.
    """
    marks, places = eye.landmarks, eye.landmarks_rc(size)
    disc, fovea = (None if np.isnan(place).any() else [round(float(one), 2) for one in place] for place in places)
    radius = marks.disc_radius_mm / eye.field.pixel_mm(size)
    return {
        "source": eye.source,
        "right_eye": marks.right_eye if marks.right_eye is None else bool(marks.right_eye),
        "disc_px": disc,
        "disc_radius_px": None if np.isnan(radius) else round(radius, 2),
        "fovea_px": fovea,
        "field_deg": eye.field.diameter_deg,
        "field_mm": round(2 * eye.field.radius_mm, 4),
        "estimated": list(eye.estimated),
    }


def in_precision(source: MapSource, autocast: str | None) -> MapSource:
    """A source of maps whose network, if it has one, computes under ``autocast``: ``"bfloat16"`` or None (float32)."""
    if not isinstance(source, SampledMaps) or not isinstance(source.sampler, RequestedSampler):
        return source
    inferer = source.sampler
    return replace(source, sampler=replace(inferer, sampler=replace(inferer.sampler, autocast=autocast)))


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


def _refuse_size(size: int) -> None:
    """No side that cannot be, and none that ends in a memory kill."""
    if type(size) is not int or size < 1:
        raise ValueError(f"size: found {size!r}, expected the side of photograph and label in px, say 1024")
    if size > MAX_SIZE:
        needed = size**2 * BYTES_PER_PIXEL / 2**30
        raise ValueError(
            f"size: found {size} px, whose sample would take about {needed:,.0f} GiB of memory; expected at most "
            f"{MAX_SIZE} px ({MAX_SIZE**2 * BYTES_PER_PIXEL / 2**30:.0f} GiB)"
        )


def open_map_source(
    source: str,
    *,
    size: int = 1024,
    mask_bundle: str | Path | None = None,
    mask_folder: LabelMaps | str | Path | None = None,
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
        mask_folder: label maps, or their folder.
        anatomy: population that phantoms are drawn from; of a ``request`` they take the laterality. Its visual angle is
            that of maps from a folder too; that of sampled maps stands in their bundle.
        request: traits that the mask model is asked for; what it leaves open is as the model's bundle asks.
        device: where the mask model runs.
        batch: maps that the mask model samples at once.

    Raises:
        ValueError: another name, what it needs is missing, a request that it cannot meet, or an impossible size.
    """
    _require_able(source, request)
    _refuse_size(size)
    if source in ("phantom", "ddpm") and mask_folder is not None:
        raise ValueError(
            f"mask_folder: found with mask_source {source}, which reads no folder; say mask_source folder "
            "(--mask-source folder), or leave it out"
        )
    if source == "phantom":
        if request is not None and request.laterality is not None:
            anatomy = replace(anatomy or Anatomy(), laterality=request.laterality)
        return PhantomMaps(size=size, anatomy=anatomy)
    if source == "ddpm" and mask_bundle is not None:
        stage = load_stage(mask_bundle, device)
        if request is not None:
            stage.inferer.request = request.over(stage.inferer.request)
        drawing = LabelDrawing(size, **stage.maps)
        return SampledMaps(stage.network, stage.inferer, drawing, stage.inferer.request, batch)
    if source == "folder" and mask_folder is not None:
        return FolderMaps(mask_folder, size=size, field_deg=60.0 if anatomy is None else anatomy.diameter_deg)
    raise ValueError(
        f"mask_source: found {source!r} with mask_bundle {mask_bundle!r} and mask_folder {mask_folder!r}; "
        "expected ddpm with a bundle, phantom, or folder with a folder"
    )
