"""What a trained network reads in photographs, and how deep their vessels are, accumulated over photographs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from monai.utils import string_list_all_gather
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion
from torch import Tensor

from monai_fundusgen.conventions import KINDS
from monai_fundusgen.metrics.functional.artery_vein import called_kinds
from monai_fundusgen.metrics.functional.reading_counts import (
    COUNTS,
    figure_intervals,
    reading_counts,
    reading_figures,
)
from monai_fundusgen.metrics.functional.vessel_classes import (
    DISTANCE_EDGES,
    WIDTH_EDGES_PX,
    class_names,
    class_of,
    disc_distance,
    vessel_width_px,
)
from monai_fundusgen.metrics.functional.vessel_depth import (
    CHANNELS,
    QUARTILES,
    depth_quartiles,
    depth_summary,
    relative_depth,
)
from monai_fundusgen.metrics.functional.vessel_structure import field_diameter_px
from monai_fundusgen.metrics.score_tally import gathered
from monai_fundusgen.vessels.convergence import find_disc

BoolArray = NDArray[np.bool_]

#: Names of the classes of width and of distance, and of the rows of the depth.
WIDTHS: Final = class_names(WIDTH_EDGES_PX)
DISTANCES: Final = class_names(DISTANCE_EDGES)
DEPTHS: Final = (*KINDS, "vein_minus_artery")
ALL: Final = "all"
_RIM: Final = 12  # 1024ths of the side: the field's edge is no vessel
_DEPTH_SHAPE: Final = (len(KINDS), 1 + len(WIDTHS), len(CHANNELS), len(QUARTILES))


class JudgedPicturesMetric:
    """Vessels and kinds that a network reads, against the label, and the depth of the labelled vessels.

    Call it with photographs that are squared round their field of view, as `CropFieldd` squares them: widths and
    distances are in units of the side. Disc and classes come from the label (`find_disc`, `vessel_width_px`), whatever
    the set. Depth leaves out the edge of the field and the first class of distance, the disc with its surroundings.
    Each photograph leaves some hundred numbers, no pixels. It has the face of MONAI's cumulative metrics (call,
    ``aggregate``, ``reset``, several ranks).

    Args:
        threshold: probability from which a pixel is called vessel.
    """

    def __init__(self, threshold: float = 0.5) -> None:
        self.threshold = threshold
        self._names: list[str] = []
        self._counts: list[Tensor] = []
        self._depths: list[Tensor] = []

    def __call__(
        self,
        y_pred: Tensor,
        y: Tensor,
        *,
        image: Tensor,
        names: Sequence[str],
        fov: Tensor | None = None,
        uncertain: Tensor | None = None,
    ) -> None:
        """Take in a batch.

        Args:
            y_pred: probabilities (B, 3, S, S) of artery, vein and vessel.
            y: vessel map (B, 2, S, S), values from 0.5 count.
            image: photographs (B, 3, S, S) in [0, 1].
            names: of the photographs (B).
            fov: field of view (B, 1, S, S), likewise; None: everywhere.
            uncertain: vessel pixels of unknown kind (B, 1, S, S), likewise.

        Raises:
            ValueError: shapes that do not fit.
        """
        side = y.shape[-1]
        if y_pred.shape[1:] != (3, side, side) or y.shape[1:] != (2, side, side) or image.shape[1:] != y_pred.shape[1:]:
            raise ValueError(
                f"prediction {tuple(y_pred.shape)}, label {tuple(y.shape)}, photograph {tuple(image.shape)}; expected "
                f"(B, 3, S, S), (B, 2, S, S), (B, 3, S, S)"
            )
        label = _bool(y)
        field = torch.ones_like(label[:, 0]) if fov is None else _bool(fov)[:, 0]
        open_ = torch.zeros_like(label[:, 0]) if uncertain is None else _bool(uncertain)[:, 0] & ~label.any(dim=1)
        called = called_kinds(_plain(y_pred), self.threshold)
        for name, *one in zip(names, called, label, open_, field, _plain(image), strict=True):
            self._add(*one)
            self._names.append(str(name))

    def _add(self, called: Tensor, label: Tensor, uncertain: Tensor, fov: Tensor, image: Tensor) -> None:
        """One photograph."""
        called, label, uncertain = called & fov, label & fov, uncertain & fov
        vessels, field = label.numpy(), fov.numpy()
        unit = label.shape[-1] / 1024
        planes = np.concatenate([vessels, uncertain.numpy()[None]])
        by_label, by_found = (class_of(vessel_width_px(one) / unit, WIDTH_EDGES_PX) for one in (planes, called.numpy()))
        distance = disc_distance(field.shape, find_disc(vessels), field_diameter_px(field))
        by_distance = class_of(distance, DISTANCE_EDGES)
        regions = [(np.ones_like(field),) * 2]
        regions += [(by_label == place, by_found == place) for place in range(len(WIDTHS))]
        regions += [(by_distance == place,) * 2 for place in range(len(DISTANCES))]
        counts = torch.stack([
            reading_counts(called, label, uncertain, fov, (torch.from_numpy(of_label), torch.from_numpy(of_found)))
            for of_label, of_found in regions
        ])  # fmt: skip
        inside = binary_erosion(field, iterations=max(round(_RIM * unit), 1), border_value=0) & (by_distance > 0)
        vessel: BoolArray = np.any(planes, axis=0)
        depth = relative_depth(image.numpy(), vessel, field)
        self._counts.append(counts.flatten())
        self._depths.append(torch.from_numpy(depth_quartiles(depth, vessels, inside, by_label, len(WIDTHS))).flatten())

    def aggregate(self) -> dict[str, Any]:
        """Figures of all photographs, pixels pooled.

        Returns:
            ``pictures``: their number; ``without_vessels``: names of those whose label has none; ``read``: ``all``
            (figures, and ``interval``, 95 % each), ``width`` and ``distance`` (figures by class, and ``share`` of the
            labelled pixels); ``depth``: kind, class of width or ``all``, channel: ``eyes``, ``median``, ``q25``,
            ``q75``, ``spread``, see `depth_summary`; ``images``: ``id`` and figures of each. What was not measured is
            None.

        Raises:
            ValueError: nothing was added, or no photograph has a labelled vessel.
        """
        counts, depths = (gathered(rows) for rows in (self._counts, self._depths))
        if not counts:
            raise ValueError("nothing to judge: no photograph was added")
        images = torch.stack(counts).reshape(len(counts), -1, len(COUNTS))
        if not images[:, 0, 0].sum():
            raise ValueError(
                f"{len(images)} photograph(s) without a labelled vessel inside the field; check labels and fields"
            )
        read = [_numbers(row) for row in images.sum(dim=0)]
        for row, labelled in zip(read, images[..., 0].sum(dim=0).tolist(), strict=True):
            row["share"] = labelled / float(images[:, 0, 0].sum())
        intervals = {name: [_known(end) for end in ends] for name, ends in figure_intervals(images[:, 0]).items()}
        eyes = torch.stack(depths).reshape(len(depths), *_DEPTH_SHAPE).numpy()
        names = string_list_all_gather(self._names)
        return {
            "pictures": len(names),
            "without_vessels": [name for name, row in zip(names, images, strict=True) if not row[0, 0]],
            "read": {
                ALL: {**{name: value for name, value in read[0].items() if name != "share"}, "interval": intervals},
                "width": dict(zip(WIDTHS, read[1:], strict=False)),
                "distance": dict(zip(DISTANCES, read[1 + len(WIDTHS) :], strict=True)),
            },
            "depth": _depth_rows(eyes),
            "images": [{"id": name, **_numbers(row[0])} for name, row in zip(names, images, strict=True)],
        }

    def reset(self) -> None:
        """Forget all photographs."""
        self._names.clear()
        self._counts.clear()
        self._depths.clear()


def _plain(array: Any) -> Tensor:
    return torch.as_tensor(array).as_subclass(Tensor).detach().float().cpu()


def _bool(array: Any) -> Tensor:
    return _plain(array) >= 0.5


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _numbers(counts: Tensor) -> dict[str, Any]:
    return {name: _known(float(value)) for name, value in reading_figures(counts).items()}


def _depth_rows(eyes: NDArray[np.float64]) -> dict[str, Any]:
    """Kind -> width -> channel -> figures."""
    summary = depth_summary(eyes)
    return {
        kind: {
            width: {
                channel: {name: _known(float(values[i, j, k])) for name, values in summary.items()}
                for k, channel in enumerate(CHANNELS)
            }
            for j, width in enumerate((ALL, *WIDTHS))
        }
        for i, kind in enumerate(DEPTHS)
    }
