"""Vessels of a photograph or frame of any size and camera: to the working geometry, through the network, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import torch
from monai.inferers import Inferer
from numpy.typing import NDArray
from torch import Tensor

from monai_fundusgen.inferers.vessels import VesselInferer
from monai_fundusgen.networks.blocks.normalised_contrast import normalised_contrast
from monai_fundusgen.transforms.fov import estimate_fov, field_circle, square_crop, square_paste
from monai_fundusgen.transforms.resize import area_resize
from monai_fundusgen.transforms.segment_kind import vote_kinds

#: Fields that a photograph may be said to have, in degrees.
FIELD_RANGE_DEG: Final = (15.0, 120.0)
_SIDE_STEP: Final = 32  # px; the working side is a multiple


class FieldInferer(Inferer):
    """Probabilities of vessels, such as artery, vein and vessel, at the photograph's own size.

    The photograph is squared round its field of view and averaged to the size at which its vessels are as wide, in
    pixels, as those that the network was trained on; the probabilities are brought back by area. Outside the field
    they are 0.

    Args:
        image_size: side in px that a photograph of the trained field is brought to.
        trained_deg: field of the training photographs in degrees.
        field_deg: field of the photographs in degrees; None: unknown, taken for the trained one.
        mirrors: see `VesselInferer`.
        vote: probability from which pixels are vessels that vote on one kind for each stretch (`vote_kinds`); None:
            each pixel has its own.
        autocast: ``"bfloat16"``, or None for full precision.

    Raises:
        ValueError: a field outside `FIELD_RANGE_DEG`.
    """

    def __init__(
        self,
        image_size: int = 1024,
        *,
        trained_deg: float = 60.0,
        field_deg: float | None = None,
        mirrors: int = 1,
        vote: float | None = None,
        autocast: str | None = None,
    ) -> None:
        super().__init__()
        low, high = FIELD_RANGE_DEG
        if field_deg is not None and not low <= field_deg <= high:
            raise ValueError(
                f"field_deg: found {field_deg}, expected {low:g} to {high:g} degrees, or nothing if unknown"
            )
        self.image_size, self.trained_deg, self.field_deg = image_size, trained_deg, field_deg
        self.vote = vote
        self.vessels = VesselInferer(autocast, mirrors)

    @property
    def working_size(self) -> int:
        """Side in px that photographs are brought to."""
        share = 1.0 if self.field_deg is None else self.field_deg / self.trained_deg
        return max(round(self.image_size * share / _SIDE_STEP), 1) * _SIDE_STEP

    def __call__(
        self, inputs: Tensor, network: Callable[..., Tensor], *args: Any, fov: Tensor | None = None, **kwargs: Any
    ) -> Tensor:
        """Probabilities (B, K, H, W) of photographs (B, 3, H, W), or frames (B, 1, H, W), in [0, 1].

        Args:
            inputs: photographs with a black surround.
            network: normalised photographs (B, 2 C, h, w) to logits (B, K, h, w).
            args, kwargs: passed on to the network.
            fov: fields of view (B, 1, H, W), above 0.5 inside; None: found on each photograph.

        Raises:
            ValueError: a photograph without a field of view.
        """
        photographs = torch.as_tensor(inputs).as_subclass(Tensor)
        found = []
        for index, photograph in enumerate(photographs):
            pixels = photograph.float().cpu().numpy()
            field = _field(pixels, None if fov is None else fov[index, 0])
            found.append(self._one(pixels, field, lambda given: self.vessels(given, network, *args, **kwargs), inputs))
        return torch.stack(found)

    def _one(
        self, photograph: NDArray[np.float32], field: NDArray[np.bool_], run: Callable[[Tensor], Tensor], like: Tensor
    ) -> Tensor:
        circle, size = field_circle(field), self.working_size
        both = np.concatenate([photograph, field[None].astype(np.float32)])
        square = square_crop(both, circle)
        small = torch.from_numpy(area_resize(square, size, size))
        given = normalised_contrast(small[:-1], small[-1:])[None]
        chance = run(given.to(like.device))[0].cpu().numpy()
        if self.vote is not None:
            chance = vote_kinds(chance, self.vote)
        side = square.shape[-1]
        back = square_paste(area_resize(chance, side, side), circle, *field.shape) * field
        return torch.from_numpy(back.astype(np.float32)).to(like.device)


def _field(photograph: NDArray[np.float32], fov: Tensor | None) -> NDArray[np.bool_]:
    """The field (H, W) that was handed in, or the one found on a photograph (3, H, W) in [0, 1]."""
    if fov is not None:
        return np.asarray(fov.cpu().numpy() > 0.5)
    return estimate_fov(np.rint(photograph.clip(0, 1) * 255).astype(np.uint8))
