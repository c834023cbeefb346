"""Networks that read a case: vessels in frames of an angiogram, arteries and veins in the photograph."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from monai_fundusgen.groundtruth.case import Mask, Plane, Probability
from monai_fundusgen.groundtruth.ridges import ridge_probability
from monai_fundusgen.inferers.field import FieldInferer
from monai_fundusgen.weights.bundles import FRAME_SEGMENTER, SEGMENTER
from monai_fundusgen.weights.bundles import bundle as installed
from monai_fundusgen.weights.stages import load_stage

#: How vessels are sought in a frame: the bundle ``fa_vessel_unet``, or a filter that needs no weights.
FRAME_READERS: Final = ("network", "ridges")


@dataclass(frozen=True)
class FieldNetwork:
    """A trained network with the inferer of its bundle.

    Attributes:
        network: in evaluation mode, on ``device``.
        inferer: pictures to probabilities, at their own size.
        device: where the network runs.
    """

    network: nn.Module
    inferer: FieldInferer
    device: torch.device

    @torch.no_grad()
    def chances(self, picture: NDArray[np.float32], valid: Mask) -> NDArray[np.float32]:
        """Probabilities (K, H, W) of a picture (C, H, W) in [0, 1] whose field is ``valid`` (H, W); 0 outside it."""
        if not valid.any():
            return np.zeros((1, *valid.shape), np.float32)
        given = torch.from_numpy(np.ascontiguousarray(picture)).to(self.device)[None]
        found: NDArray[np.float32] = (
            self.inferer(given, self.network, fov=torch.from_numpy(valid)[None, None])[0].cpu().numpy()
        )
        return found


@dataclass(frozen=True)
class FrameNetwork:
    """Vessel probability by a network of frames; a ``Probability``."""

    read: FieldNetwork

    def __call__(self, image: Plane, valid: Mask) -> Plane:
        """Probability (H, W) float32 in [0, 1] of an image (H, W) in [0, 1], 0 where not valid."""
        found: Plane = self.read.chances(image.astype(np.float32)[None], valid)[0]
        return found


@dataclass(frozen=True)
class PhotographNetwork:
    """Artery, vein and vessel by a network of photographs."""

    read: FieldNetwork

    def __call__(self, photograph: NDArray[np.uint8], valid: Mask) -> NDArray[np.float32]:
        """Probabilities (3, H, W) of artery, vein and vessel of a photograph (3, H, W), 0 where not valid."""
        return self.read.chances(photograph.astype(np.float32) / np.float32(255), valid)


def frame_reader(
    kind: str = "network", device: torch.device | str = "cpu", *, field_deg: float | None = None, **bundle: Any
) -> Probability:
    """What finds vessels in frames.

    Args:
        kind: one of `FRAME_READERS`.
        device: where the network runs.
        field_deg: field of the frames in degrees; None: unknown, taken for 45.
        bundle: ``bundle``, a folder in place of ``fa_vessel_unet``'s, and ``weights``, a file in place of its own.

    Raises:
        FileNotFoundError: no such bundle or weights.
        ValueError: another kind, a field that no camera has, or weights of another network.
    """
    if kind not in FRAME_READERS:
        raise ValueError(f"frame reader: found {kind!r}, expected one of {', '.join(FRAME_READERS)}")
    if kind == "ridges":
        return ridge_probability
    return FrameNetwork(_opened(FRAME_SEGMENTER, device, field_deg, **bundle))


def photograph_reader(
    device: torch.device | str = "cpu", *, field_deg: float | None = None, **bundle: Any
) -> PhotographNetwork:
    """The network of ``fundus_av_unet``, for photographs; arguments and errors as of `frame_reader`."""
    return PhotographNetwork(_opened(SEGMENTER, device, field_deg, **bundle))


def _opened(
    name: str,
    device: torch.device | str,
    field_deg: float | None,
    bundle: str | Path | None = None,
    weights: str | Path | None = None,
) -> FieldNetwork:
    stage = load_stage(bundle or installed(name), device, weights=weights)
    own = stage.inferer
    inferer = FieldInferer(
        own.image_size, trained_deg=own.trained_deg, field_deg=field_deg, mirrors=own.vessels.mirrors,
        autocast=own.vessels.run.autocast,
    )  # fmt: skip
    return FieldNetwork(stage.network.eval(), inferer, torch.device(device))
