"""Frechet and kernel distance as an accumulating metric: give it batches, ask for the distance at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch
from monai.metrics import CumulativeIterationMetric
from numpy.typing import NDArray
from torch import Tensor

from monai_fundusgen.metrics.features import Extractor, three_channels
from monai_fundusgen.metrics.functional.distribution import frechet_distance, kernel_distance_error

#: Distances by name.
DISTANCES: Final[dict[str, Callable[[NDArray[Any], NDArray[Any]], float]]] = {
    "frechet": frechet_distance,
    "kernel": lambda x, y: kernel_distance_error(x, y)[0],
}


class FeatureDistanceMetric(CumulativeIterationMetric):
    """Distance between predicted and true images, for `monai.handlers.IgniteMetricHandler` and loops of one's own.

    Call it with images (B, C, H, W) in [-1, 1] of 1 to 3 channels (`three_channels`), predictions then truth; of
    several ranks all features are gathered.

    Args:
        extractor: photographs to features (B, D).
        distance: ``frechet`` (biased in small samples), or ``kernel`` (unbiased, 3 photographs and more).

    Raises:
        ValueError: another distance.
    """

    def __init__(self, extractor: Extractor, distance: str = "frechet") -> None:
        super().__init__()
        if distance not in DISTANCES:
            raise ValueError(f"distance: found {distance!r}, expected {' or '.join(DISTANCES)}")
        self.extractor, self.distance = extractor, distance

    def _compute_tensor(self, y_pred: Tensor, y: Tensor | None = None, **kwargs: Any) -> Tensor:
        """Features of both, (B, 2, D)."""
        assert y is not None, "FeatureDistanceMetric needs true photographs"
        rows = (self.extractor(three_channels(one.as_subclass(Tensor).float().clamp(-1, 1))) for one in (y_pred, y))
        return torch.stack([one.double().cpu() for one in rows], dim=1)

    def aggregate(self) -> Tensor:
        """The distance, a scalar in float64.

        Raises:
            ValueError: too few photographs, or features that are no numbers.
        """
        rows = self.get_buffer()
        if not isinstance(rows, Tensor):
            raise ValueError("FeatureDistanceMetric: nothing to aggregate; call it with photographs first")
        found, true = (rows[:, side].numpy() for side in (0, 1))
        return torch.tensor(DISTANCES[self.distance](found, true), dtype=torch.float64)
