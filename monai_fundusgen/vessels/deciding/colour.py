"""Kind by colour: veins are darker than arteries, in each photograph by its own measure.

The depth of a vessel is the logarithm of how much darker it is than its surroundings, in red and in green. A logistic
regression on depths and width is fitted to the vessels of known kind of the same photograph, so no camera, light or
pigment has to be known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_fundusgen.conventions import ARTERY
from monai_fundusgen.vessels.graph import SegmentGraph

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_REDUCTION: Final = 4  # of the grid that surroundings are averaged on
_REACH: Final = 0.009  # standard deviation of the surroundings over the longer side of the photograph
_CHANNELS: Final = 2  # red and green; blue is noise in most cameras
_FRAME: Final = 20  # level of 255 above which a photograph shows something
_NEAR: Final = np.array([(r, c) for r in (-1, 0, 1) for c in (-1, 0, 1)])
_RUN_POINTS: Final = 40  # of centre line that make one example
_RIDGE: Final = 1.0  # of the regression, in examples
_STEPS: Final = 20  # of Newton's method
_SURE: Final = 0.95  # colour alone is never surer than this


@dataclass(frozen=True)
class Depths:
    """A photograph (3, H, W) uint8 ready to be measured, and the mean of the surroundings on a coarser grid."""

    photograph: NDArray[np.uint8]
    surroundings: FloatArray

    def along(self, points_rc: FloatArray) -> FloatArray:
        """Depth (P, 2) in red and green at points (P, 2)."""
        places = np.rint(points_rc).astype(int)[:, None] + _NEAR
        rows, columns = np.moveaxis(np.clip(places, 0, np.array(self.photograph.shape[1:]) - 1), -1, 0)
        pixels = self.photograph[:_CHANNELS, rows, columns].mean(axis=-1).T
        coarse = (points_rc + 0.5).T / _REDUCTION - 0.5
        around = [ndimage.map_coordinates(plane, coarse, order=1, mode="nearest") for plane in self.surroundings]
        depth: FloatArray = np.log((np.stack(around, axis=1) + 1) / (pixels + 1))
        return depth


def measure_depths(photograph: NDArray[np.uint8], vessels: BoolArray) -> Depths:
    """Surroundings of every pixel of a photograph (3, H, W), vessels (H, W) and the dark frame left out."""
    bright = _reduced(photograph[:_CHANNELS].max(axis=0).astype(np.float32)) > _FRAME
    free = (bright & ~ndimage.binary_dilation(_reduced(vessels.astype(np.float32)) > 0)).astype(np.float32)
    sigma = max(_REACH * max(vessels.shape) / _REDUCTION, 1.0)
    weight = np.maximum(ndimage.gaussian_filter(free, sigma), 1e-3)
    means = [
        ndimage.gaussian_filter(_reduced(plane.astype(np.float32)) * free, sigma) / weight
        for plane in photograph[:_CHANNELS]
    ]
    return Depths(photograph, np.stack(means))


def _reduced(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Area averages over blocks, the border repeated."""
    height, width = plane.shape
    padded = np.pad(plane, ((0, -height % _REDUCTION), (0, -width % _REDUCTION)), mode="edge")
    rows, columns = (side // _REDUCTION for side in padded.shape)
    mean: NDArray[np.float32] = padded.reshape(rows, _REDUCTION, columns, _REDUCTION).mean(axis=(1, 3))
    return mean


def _examples(depths: Depths, graph: SegmentGraph, shift: FloatArray) -> FloatArray:
    """Features (E, F) of runs of centre line, its points shifted."""
    if not len(graph.points_rc):
        return np.zeros((0, _CHANNELS + 1))
    depth = depths.along(graph.points_rc + shift)
    segment = np.repeat(np.arange(graph.num_segments), np.diff(graph.offsets))
    place = np.arange(len(segment)) - graph.offsets[segment]
    _, run = np.unique(np.stack([segment, place // _RUN_POINTS]), axis=1, return_inverse=True)
    size = np.bincount(run.ravel())
    columns = [*depth.T, np.log(np.maximum(graph.width_px, 0.5))]
    features = np.stack([np.bincount(run.ravel(), weights=column) / size for column in columns], axis=1)
    return features[size >= _RUN_POINTS // 2]


def _design(features: FloatArray) -> FloatArray:
    """Columns of the regression: one, depths, width, and depths by width."""
    depth, width = features[:, :_CHANNELS], features[:, _CHANNELS:]
    return np.concatenate([np.ones_like(width), depth, width, depth * width], axis=1)


class ColourJudge:
    """Probability of artery by colour and width, fitted to one photograph; one half before it is fitted.

    Args:
        depths: the photograph.
    """

    def __init__(self, depths: Depths) -> None:
        self.depths = depths
        self.weights = np.zeros(2 * _CHANNELS + 2)

    def fit(self, known: Sequence[tuple[SegmentGraph, int, FloatArray]]) -> None:
        """Learn from vessels of known kind: centre lines, kind, and what their points are shifted by, each."""
        examples = [_examples(self.depths, graph, shift) for graph, _, shift in known]
        kinds = np.repeat([kind == ARTERY for _, kind, _ in known], [len(part) for part in examples])
        design, first = np.unique(_design(np.concatenate(examples)), axis=0, return_index=True)
        self.weights = _fitted(design, kinds[first].astype(np.float64))

    def artery_probability(self, points_rc: FloatArray, width_px: float) -> float:
        """Of one stretch; shorter ones are judged with less certainty."""
        depth = self.depths.along(points_rc).mean(axis=0)
        features = np.append(depth, np.log(max(width_px, 0.5)))[None]
        logit = float((_design(features) @ self.weights)[0]) * min(1.0, len(points_rc) / _RUN_POINTS)
        return float(np.clip(1 / (1 + np.exp(-np.clip(logit, -30, 30))), 1 - _SURE, _SURE))


def _fitted(design: FloatArray, target: FloatArray) -> FloatArray:
    """Weights of a ridge logistic regression by Newton's method, both kinds counting alike; zero if one is missing."""
    weights = np.zeros(design.shape[1])
    if not 0 < target.sum() < len(target):
        return weights
    scale = np.maximum(design.std(axis=0), 1e-6)
    scale[0] = 1.0
    x = design / scale
    count = np.where(target == 1, 0.5 / target.mean(), 0.5 / (1 - target.mean()))
    for _ in range(_STEPS):
        share = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        gradient = x.T @ (count * (share - target)) + _RIDGE * weights
        curve = (x * (count * share * (1 - share))[:, None]).T @ x + _RIDGE * np.eye(len(weights))
        weights -= np.linalg.solve(curve, gradient)
    return weights / scale
