"""Photographs that the cascade paints of given labels: tells the painter's faults from those of maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch

from monai_fundusgen.data.squared import LabelledEye
from monai_fundusgen.sampling.label_drawing import LabelDrawing
from monai_fundusgen.sampling.painters import Painter
from monai_fundusgen.sampling.plan import PlannedSample
from monai_fundusgen.sampling.sources import sample_of_label
from monai_fundusgen.streams import sample_seed
from monai_fundusgen.weights.bundles import GENERATION, bundle
from monai_fundusgen.weights.stages import stage_config

_CHOSEN: Final = {"mask_source": "folder", "mask_folder": ".", "photograph_source": "cascade"}


def cascade_painter(options: Mapping[str, Any] | None = None, device: torch.device | str = "cpu") -> Painter:
    """The cascade as the data set bundle paints with it.

    Args:
        options: options of that bundle, such as ``photograph_bundle``.
        device: where it runs.

    Raises:
        FileNotFoundError, ValueError: no such bundle, or weights of another network.
    """
    parser = stage_config(bundle(GENERATION))
    parser.update({**(options or {}), **_CHOSEN, "device": torch.device(device)})
    painter: Painter = parser.get_parsed_content("painter")
    return painter


@dataclass(frozen=True)
class LabelPainter:
    """Paint a labelled eye anew; pixels of unknown kind are background then, in photograph and label.

    Args:
        painter: what paints.
        field_deg: field of the eyes in degrees.
        seed: of the run; each eye draws its look by its place.
    """

    painter: Painter
    field_deg: float = 60.0
    seed: int = 0

    def __call__(self, eye: LabelledEye, place: int) -> LabelledEye:
        """The eye with its painted photograph.

        Args:
            eye: squared, of the size that the painter paints.
            place: its number.

        Raises:
            ValueError: another size.
        """
        label = eye.label & eye.fov
        sample = sample_of_label(label, eye.fov, LabelDrawing(label.shape[-1], field_deg=self.field_deg))
        planned = PlannedSample(id=eye.id, index=place, seed=sample_seed(self.seed, place))
        (photograph,) = self.painter([sample], [planned])
        return replace(eye, photograph=photograph, label=label, uncertain=np.zeros_like(eye.uncertain))
