"""The truth of one registered case: merged vessels, their branches, and the kind of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.groundtruth.aggregation import RULES, aggregate, hysteresis, support, without_small
from monai_fundusgen.groundtruth.bridging import bridge_gaps
from monai_fundusgen.groundtruth.filling import Filling, measure_filling
from monai_fundusgen.groundtruth.kinds import (
    LEAST_CONFIDENCE,
    BranchKinds,
    combined_kinds,
    network_log_odds,
    timing_log_odds,
)
from monai_fundusgen.groundtruth.labelling import BranchLabel, label_branches
from monai_fundusgen.groundtruth.registered import RegisteredCase
from monai_fundusgen.vessels.graph import SegmentGraph, vessel_graph

#: What arteries are told from veins by: filling, the photograph's network, or both.
KIND_SOURCES: Final = ("both", "timing", "network")
_REFERENCE_PX: Final = 1024  # lengths in the settings are for a photograph of this longer side


@dataclass(frozen=True)
class TruthSettings:
    """How frames become a label; lengths are for a photograph of 1024 px and grow with it.

    Attributes:
        rule: how frames are merged, one of `aggregation.RULES`.
        low, high: thresholds of the hysteresis.
        least_component_px: connected vessels of fewer pixels are dropped.
        longest_gap_px: gaps that may be bridged; 0 bridges none.
        least_support: frames that must show a bridge all along.
        kinds: one of `KIND_SOURCES`.
        least_confidence: from which a branch has a kind, in [0.5, 1].

    Raises:
        ValueError: a value that cannot be; names it.
    """

    rule: str = "second"
    low: float = 0.45
    high: float = 0.7
    least_component_px: int = 60
    longest_gap_px: float = 16.0
    least_support: int = 2
    kinds: str = "both"
    least_confidence: float = LEAST_CONFIDENCE

    def __post_init__(self) -> None:
        for name, value, choices in (("rule", self.rule, RULES), ("kinds", self.kinds, KIND_SOURCES)):
            if value not in choices:
                raise ValueError(f"{name}: found {value!r}, expected one of {', '.join(choices)}")
        if not 0 < self.low <= self.high < 1:
            raise ValueError(f"low {self.low}, high {self.high}: expected 0 < low <= high < 1")
        if min(self.least_component_px, self.longest_gap_px) < 0 or self.least_support < 1:
            raise ValueError(
                f"least_component_px {self.least_component_px}, longest_gap_px {self.longest_gap_px}, least_support "
                f"{self.least_support}: expected none below 0, and support of at least 1 frame"
            )
        if not 0.5 <= self.least_confidence <= 1:
            raise ValueError(f"least_confidence: found {self.least_confidence}, expected a number in [0.5, 1]")


@dataclass(frozen=True)
class CaseTruth:
    """What was made of one case; planes on the photograph's grid.

    Attributes:
        registered: frames and their places.
        images: (F, H, W) float32, kept frames in the order of filling.
        probability: (H, W) float32 in [0, 1], merged.
        support: (H, W) uint8, frames that show a vessel there.
        fov: (H, W) bool, where the photograph and at least one frame show retina.
        mask: (H, W) bool, vessels.
        graph: its branches, S of them.
        filling: of the branches.
        timing, network: (S,) log-odds of artery; ``network`` is None where it was not asked.
        kinds: of the branches.
        label: arteries, veins and what is left open.
        bridges: how many gaps were closed.
    """

    registered: RegisteredCase
    images: NDArray[np.float32]
    probability: NDArray[np.float32]
    support: NDArray[np.uint8]
    fov: NDArray[np.bool_]
    mask: NDArray[np.bool_]
    graph: SegmentGraph
    filling: Filling
    timing: NDArray[np.float64]
    network: NDArray[np.float64] | None
    kinds: BranchKinds
    label: BranchLabel
    bridges: int

    def figures(self) -> dict[str, float | int]:
        """Counts and shares of the result, for reports."""
        lengths, open_ = self.graph.lengths_px, self.kinds.uncertain
        field = max(int(self.fov.sum()), 1)
        return {
            "frames": len(self.registered.frames),
            "frames_kept": len(self.registered.kept),
            "vessel_share": float(self.mask.sum() / field),
            "artery_share": float(self.label.vessels[0].sum() / field),
            "vein_share": float(self.label.vessels[1].sum() / field),
            "branches": int(self.graph.num_segments),
            "branches_uncertain": int(open_.sum()),
            "length_uncertain": float(lengths[open_].sum() / max(lengths.sum(), 1e-6)),
            "bridged_gaps": self.bridges,
        }


def case_truth(
    registered: RegisteredCase, settings: TruthSettings, chance: NDArray[np.float32] | None = None
) -> CaseTruth:
    """Merge the kept frames of a case, and tell arteries from veins.

    Args:
        registered: a case after registration; at least one frame is kept.
        settings: how.
        chance: probabilities (3, H, W) of artery, vein and vessel of the photograph, where ``settings.kinds`` asks for
            the network.

    Raises:
        ValueError: probabilities that are missing, or that are not wanted.
    """
    if (chance is None) != (settings.kinds == "timing"):
        raise ValueError(
            f"kinds {settings.kinds!r}: found {'no ' * (chance is None)}probabilities of the photograph; give them for "
            f"'both' and 'network' only"
        )
    seen = [frame.on_photograph() for frame in registered.kept]
    images, probabilities, valid = (
        np.stack([getattr(one, name) for one in seen]) for name in ("image", "probability", "valid")
    )
    fov = registered.case.photograph_valid & valid.any(axis=0)
    probability = aggregate(probabilities, valid, settings.rule) * fov
    agreed = support(probabilities, valid, threshold=settings.high)
    mask, bridges = vessel_mask(probability, support(probabilities, valid, threshold=settings.low), settings)
    mask &= fov
    graph = vessel_graph(mask)
    filling = measure_filling(graph, mask, images, valid)
    timing = timing_log_odds(graph, filling)
    network = None if chance is None else network_log_odds(graph, chance)
    told = network if settings.kinds == "network" and network is not None else timing
    kinds = combined_kinds(
        told, network if settings.kinds == "both" else None, least_confidence=settings.least_confidence
    )
    return CaseTruth(
        registered, images, probability, agreed, fov, mask, graph, filling, timing, network, kinds,
        label_branches(mask, graph, kinds), bridges,
    )  # fmt: skip


def vessel_mask(
    probability: NDArray[np.float32], agreed: NDArray[np.uint8], settings: TruthSettings
) -> tuple[NDArray[np.bool_], int]:
    """Vessels (H, W) of a merged probability (H, W), and how many gaps were bridged.

    Args:
        probability: merged, in [0, 1].
        agreed: (H, W), frames that show a vessel from ``settings.low`` up.
        settings: thresholds, sizes.
    """
    scale = max(probability.shape) / _REFERENCE_PX
    mask = hysteresis(probability, low=settings.low, high=settings.high)
    mask = without_small(mask, round(settings.least_component_px * scale * scale))
    if not settings.longest_gap_px:
        return mask, 0
    return bridge_gaps(
        mask, probability, agreed, longest_px=settings.longest_gap_px * scale, least_support=settings.least_support
    )
