"""Does the mask model give away what it was trained on? Its denoising loss on training and on held-out maps."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from monai_fundusgen.diffusion.forward import diffuse
from monai_fundusgen.diffusion.parametrisation import denoised
from monai_fundusgen.evaluation.measurements import Progress, is_part, write_part
from monai_fundusgen.evaluation.populations import Population
from monai_fundusgen.metrics.functional.privacy import membership_area
from monai_fundusgen.storage.checksum import file_sha256
from monai_fundusgen.streams import stream, stream_seed
from monai_fundusgen.weights.stages import Stage, load_stage

FloatArray = NDArray[np.float64]

#: Levels of noise at which a map is tried, evenly over the schedule.
LEVELS: Final = 4
_FULL_SIDE: Final = 1024  # px that eyes are squared to before their maps are averaged, as in training


@torch.no_grad()
def denoising_losses(stage: Stage, maps: Tensor, *, levels: int = LEVELS, seed: int = 0) -> FloatArray:
    """Mean squared error of the clean map that a mask model makes of a noisy one.

    Every map gets the same noise at the same levels, and no condition: losses differ by the maps alone.

    Args:
        stage: network with its sampler, as `weights.stages.load_stage` reads a bundle of masks.
        maps: soft maps (N, 2, S, S) in [0, 1], of the size that the network was trained at.
        levels: levels of noise.
        seed: of the noise.

    Returns:
        (N,), the mean over levels; of an estimate in [-1, 1].

    Raises:
        ValueError: the bundle samples no maps.
    """
    sampler = getattr(stage.inferer, "sampler", stage.inferer)
    if not hasattr(sampler, "schedule") or not hasattr(sampler, "prediction"):
        raise ValueError(
            f"membership: found an inferer {type(stage.inferer).__name__}, expected a sampler of maps; give a bundle "
            "such as fundus_av_mask_ddpm"
        )
    device = next(stage.network.parameters()).device
    rng = torch.Generator().manual_seed(stream_seed(seed, "validation"))
    places = ((torch.arange(levels) + 0.5) * len(sampler.schedule) / levels).long()
    eps = torch.randn((levels, *maps.shape[1:]), generator=rng)
    found = []
    for one in maps:
        clean = (2 * one.float() - 1).expand(levels, -1, -1, -1)
        abar = sampler.schedule.at(places)
        noisy = diffuse(clean, eps, abar)
        output = stage.network(noisy.float().to(device), places.to(device)).cpu()
        estimate = denoised(output, noisy, abar, sampler.prediction)
        found.append(float(((estimate - clean) ** 2).mean()))
    return np.asarray(found)


def membership(
    bundle: Path, training: Population, held_out: Population, cache: Path, progress: Progress, *, device: str, seed: int
) -> dict[str, Any]:
    """How well the loss of a mask model tells its training maps from held-out ones.

    Args:
        bundle: of the model.
        training: eyes with maps that it saw.
        held_out: eyes with maps that it did not see.
        cache: folder of the losses, which are computed once.
        progress: wraps the places of the eyes.
        device: where the network runs.
        seed: of noise and bootstrap.

    Returns:
        ``area`` (interval; one half: the loss tells nothing), ``levels``, ``training`` and ``held_out`` (eyes of each).

    Raises:
        FileNotFoundError: no such bundle, or no weights in it.
        ValueError: fewer than two maps of either sort, or no bundle of masks.
    """
    stage = load_stage(bundle, device)
    losses = [_losses(stage, bundle, one, cache, progress, seed) for one in (training, held_out)]
    area = membership_area(*losses, rng=stream(seed, "resampling"))
    return {"area": asdict(area), "levels": LEVELS, "training": len(losses[0]), "held_out": len(losses[1])}


def _losses(
    stage: Stage, bundle: Path, population: Population, cache: Path, progress: Progress, seed: int
) -> FloatArray:
    weights = bundle / "models" / "model.pt"
    told = [file_sha256(weights) if weights.is_file() else str(bundle), *population.keys, LEVELS, seed]
    path = cache / f"losses-{population.name}-{hashlib.sha256(str(told).encode()).hexdigest()[:20]}.npz"
    if not is_part(path):
        side = int(getattr(stage.inferer, "sampler", stage.inferer).shape[-1])
        found = []
        for place in progress(range(len(population)), f"losses: {population.title}", len(population)):
            vessels = population.eye(place, _FULL_SIDE).vessels
            if vessels is not None:
                soft = nn.functional.adaptive_avg_pool2d(torch.from_numpy(vessels.astype(np.float32)), side)
                found.append(denoising_losses(stage, soft[None], seed=seed)[0])
        write_part(path, {"losses": np.asarray(found)})
    with np.load(path, allow_pickle=False) as archive:
        return np.asarray(archive["losses"], dtype=np.float64)
