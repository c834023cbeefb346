"""Accumulating segmentation metrics: call them with batches, then ask for the scores under their protocol.

They have the face of MONAI's cumulative metrics (call, ``aggregate``, ``reset``, several ranks), but images may differ
in size, which MONAI's buffers cannot stack.
"""

from __future__ import annotations

import torch
from skimage.morphology import disk
from torch import Tensor
from torch.nn import functional

from monai_fundusgen.conventions import KINDS
from monai_fundusgen.metrics.functional.artery_vein import (
    artery_vein_accuracy,
    artery_vein_counts,
    called_kinds,
    graph_targets,
    kind_sensitivities,
)
from monai_fundusgen.metrics.functional.segmentation import CentreLineCounts, centre_line_counts
from monai_fundusgen.metrics.protocol import Protocol
from monai_fundusgen.metrics.score_tally import ScoreTally, gathered

_TREE_MARGIN_PX = 3


def _field(target: Tensor, fov: Tensor | None) -> Tensor:
    """The field (B, 1, H, W); everywhere by default."""
    return torch.ones_like(target[:, :1], dtype=torch.bool) if fov is None else fov > 0.5


class VesselSegmentationMetric:
    """Vessels against the rest, under a `Protocol`; areas under the curves are exact.

    Args:
        protocol: the rules; by default inside the field, pooled, at 0.5.
        cl_dice: also thin both maps for clDice, at the protocol's threshold. An oracle's threshold is known only when
            the maps are gone: it has no clDice.
    """

    def __init__(self, protocol: Protocol | None = None, *, cl_dice: bool = True) -> None:
        self.protocol = protocol or Protocol()
        self.cl_dice = cl_dice and self.protocol.threshold is not None
        self._tally = ScoreTally()
        self._lines: list[Tensor] = []

    def __call__(self, y_pred: Tensor, y: Tensor, *, fov: Tensor | None = None) -> None:
        """Take in vessel probabilities (B, 1, H, W), target (B, 1, H, W) and field (B, 1, H, W), 0/1 or bool.

        Raises:
            ValueError: prediction and target differ in shape.
        """
        if y_pred.shape != y.shape or y.shape[1] != 1:
            raise ValueError(f"prediction {tuple(y_pred.shape)}, target {tuple(y.shape)}; expected (B, 1, H, W) twice")
        target, field = y > 0.5, _field(y, fov)
        if self.protocol.field != "fov":
            y_pred = y_pred * field if self.protocol.field == "all_zeroed" else y_pred
            field = torch.ones_like(field)
        for image in zip(y_pred, target, field, strict=True):
            self._tally.add(*image)
            if self.cl_dice:
                self._lines.append(self._line_counts(*image))

    def rules(self, protocol: Protocol | None = None) -> str:
        """The protocol, or another, in a sentence."""
        return (protocol or self.protocol).describe()

    def _line_counts(self, scores: Tensor, target: Tensor, field: Tensor) -> Tensor:
        assert self.protocol.threshold is not None  # else there is no cl_dice
        called = scores >= self.protocol.threshold
        counts = centre_line_counts(*(map_[0].cpu().numpy() for map_ in (called, target, field)))
        return torch.tensor([counts.pred, counts.pred_inside, counts.target, counts.target_inside])

    def aggregate(self, protocol: Protocol | None = None) -> dict[str, float]:
        """Scores by name, see `ScoreTally.figures`, and ``cl_dice``.

        Args:
            protocol: other rules on the same images: pooling and threshold may differ. Without them, the metric's own.

        Raises:
            ValueError: nothing was added, there is no vessel pixel, or the other rules need other pixels.
        """
        protocol = protocol or self.protocol
        if protocol.field != self.protocol.field:
            raise ValueError(
                f"scores of field {self.protocol.field!r} were kept, {protocol.field!r} asked for; use another metric"
            )
        found = self._tally.figures(protocol)
        if self.cl_dice and protocol.threshold == self.protocol.threshold:
            rows = [CentreLineCounts(*row.long().tolist()) for row in gathered(self._lines)]
            found["cl_dice"] = _pooled_cl_dice(rows) if protocol.pooling == "pooled" else _mean_cl_dice(rows)
        return found

    def reset(self) -> None:
        """Forget all images."""
        self._tally.clear()
        self._lines.clear()


def _pooled_cl_dice(rows: list[CentreLineCounts]) -> float:
    sums = torch.tensor([[row.pred, row.pred_inside, row.target, row.target_inside] for row in rows]).sum(dim=0)
    return CentreLineCounts(*sums.tolist()).cl_dice()


def _mean_cl_dice(rows: list[CentreLineCounts]) -> float:
    return float(torch.tensor([row.cl_dice() for row in rows], dtype=torch.float64).nanmean())


class ArteryVeinMetric:
    """Arteries against veins inside the field, on the pixels that ``protocol.kinds`` says.

    Pixels of undecided kind are left out everywhere. ``all_vessels`` and ``intersection`` leave out crossings too, and
    give the accuracy of kinds; ``authors`` and ``tree`` count a crossing as artery and as vein.

    ==============  =================================================================================================
    all_vessels     every labelled vessel pixel; one that is not found counts half for each kind
    intersection    labelled vessel pixels that are found; ``found`` is their share
    authors         every output on every labelled vessel pixel, as one sample of scores: of (B, 4, H, W) the outputs of
                    HVGN's two graphs, else artery and vein
    tree            each kind against all other pixels of the field, which is shrunk by a disc of radius 3 px
    ==============  =================================================================================================

    Source: Morano et al. 2024 (RRWNet, arXiv:2402.03166) for the first two, Noh et al. 2022 (Dual-HVGN, IEEE Access 10)
    for ``authors``.

    Args:
        protocol: the rules; by default ``intersection`` at 0.5.

    Raises:
        ValueError: rules that need a threshold beforehand and have none.
    """

    def __init__(self, protocol: Protocol | None = None) -> None:
        self.protocol = protocol or Protocol()
        if self.protocol.kinds in ("all_vessels", "intersection") and self.protocol.threshold is None:
            raise ValueError(
                f"ArteryVeinMetric: {self.protocol.kinds!r} needs to know which pixels are vessels; give a threshold"
            )
        self._tables: list[Tensor] = []
        self._tallies = {name: ScoreTally() for name in (KINDS if self.protocol.kinds == "tree" else ("",))}

    def __call__(
        self, y_pred: Tensor, y: Tensor, *, fov: Tensor | None = None, uncertain: Tensor | None = None
    ) -> None:
        """Take in one batch.

        Args:
            y_pred: probabilities (B, 2, H, W) of artery and vein; (B, 3, H, W) with vessel; (B, 4, H, W) of HVGN's
                graphs, for ``authors``.
            y: vessel map (B, 2, H, W), 0/1 or bool.
            fov: field of view (B, 1, H, W).
            uncertain: vessel pixels whose kind nobody knows (B, 1, H, W).

        Raises:
            ValueError: shapes that do not fit, or a prediction of four channels under other rules.
        """
        wide = y_pred.shape[1] == 4
        if y.shape[1] != 2 or y_pred.shape[1] not in (2, 3, 4) or (wide and self.protocol.kinds != "authors"):
            raise ValueError(
                f"prediction {tuple(y_pred.shape)}, target {tuple(y.shape)}, kinds {self.protocol.kinds!r}; expected "
                f"(B, 2 or 3, H, W), or 4 for 'authors', and (B, 2, H, W)"
            )
        target, field = y > 0.5, _field(y, fov)
        if uncertain is not None:
            field = field & ~(uncertain > 0.5)
        for image in zip(y_pred, target, field, strict=True):
            self._add(*image)

    def rules(self, protocol: Protocol | None = None) -> str:
        """The protocol, or another, in a sentence."""
        return (protocol or self.protocol).describe(kinds=True)

    def _add(self, scores: Tensor, target: Tensor, field: Tensor) -> None:
        """One image: scores (K, H, W), target (2, H, W), field (1, H, W)."""
        kinds = self.protocol.kinds
        if kinds == "authors":
            wanted = graph_targets(target) if len(scores) == 4 else target
            inside = (field & target.any(dim=0, keepdim=True)).expand_as(wanted)
            self._tallies[""].add(scores[: len(wanted)], wanted, inside)
        elif kinds == "tree":
            inner = _shrunk(field)
            for place, name in enumerate(KINDS):
                self._tallies[name].add(scores[place], target[place], inner[0])
        else:
            assert self.protocol.threshold is not None
            called = called_kinds(scores, self.protocol.threshold)
            tables = [artery_vein_counts(called, target, field[0], missing=how) for how in ("skip", "half")]
            self._tables.append(torch.stack(tables).cpu().flatten())

    def aggregate(self, protocol: Protocol | None = None) -> dict[str, float]:
        """Scores by name.

        ``all_vessels`` and ``intersection``: ``accuracy``, ``balanced_accuracy``, ``artery_sensitivity``,
        ``vein_sensitivity``, ``found``. ``authors``: as `ScoreTally.figures`. ``tree``: the same of each kind,
        ``artery_roc_auc`` and so on.

        Args:
            protocol: other rules on the same images: pooling may differ, and between ``all_vessels`` and
                ``intersection`` the pixels. Without them, the metric's own.

        Raises:
            ValueError: nothing was added, no pixel has a known kind, or the other rules need other pixels.
        """
        protocol = protocol or self.protocol
        kept = {"authors": "authors", "tree": "tree"}
        if kept.get(protocol.kinds) != kept.get(self.protocol.kinds):
            raise ValueError(
                f"scores of kinds {self.protocol.kinds!r} were kept, {protocol.kinds!r} asked for; use another metric"
            )
        if protocol.kinds in kept:
            found = {name: tally.figures(protocol) for name, tally in self._tallies.items()}
            return {f"{name}_{score}".lstrip("_"): value for name, row in found.items() for score, value in row.items()}
        rows = gathered(self._tables)
        if not rows:
            raise ValueError("nothing to score: no image was added")
        tables = torch.stack(rows).reshape(-1, 2, 2, 2)
        if not tables[:, 1].sum():
            raise ValueError(
                f"{len(rows)} image(s) hold no vessel pixel of known kind inside the field; are the labels vessel-only?"
            )
        pooled = tables.sum(dim=0, keepdim=True) if protocol.pooling == "pooled" else tables
        return _accuracies(pooled, found_alone=protocol.kinds == "intersection")

    def join(self, other: ArteryVeinMetric) -> None:
        """Take in the images of another metric of the same rules, which keeps them."""
        self._tables += other._tables
        for name, tally in self._tallies.items():
            tally.join(other._tallies[name])

    def reset(self) -> None:
        """Forget all images."""
        self._tables.clear()
        for tally in self._tallies.values():
            tally.clear()


def _accuracies(tables: Tensor, *, found_alone: bool) -> dict[str, float]:
    """Means over tables (N, 2, 2, 2): without, then with the pixels that were not found."""
    chosen = tables[:, 0 if found_alone else 1]
    each = kind_sensitivities(chosen)
    return {
        "accuracy": float(artery_vein_accuracy(chosen).nanmean()),
        "balanced_accuracy": float(each.mean(dim=-1).nanmean()),
        "artery_sensitivity": float(each[:, 0].nanmean()),
        "vein_sensitivity": float(each[:, 1].nanmean()),
        "found": float((tables[:, 0].sum(dim=(-2, -1)) / tables[:, 1].sum(dim=(-2, -1))).nanmean()),
    }


def _shrunk(field: Tensor) -> Tensor:
    """Field (1, H, W) eroded by a disc; what lies beyond the picture is outside."""
    element = torch.from_numpy(disk(_TREE_MARGIN_PX)).float().to(field.device)
    outside = functional.pad((~field).float(), (_TREE_MARGIN_PX,) * 4, value=1.0)
    return functional.conv2d(outside[None], element[None, None])[0] == 0
