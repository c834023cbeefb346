"""Arteries and veins by branch: from the time of filling, from a network on the photograph, and from both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.groundtruth.filling import Filling
from monai_fundusgen.vessels.graph import SegmentGraph

FloatArray = NDArray[np.float64]

#: Most that one source can say, as log-odds: what is measured well may still be of another vessel.
TIMING_LIMIT: Final = 4.0
NETWORK_LIMIT: Final = 2.5
#: Confidence from which a branch is given its kind.
LEAST_CONFIDENCE: Final = 0.8
_ROUNDS: Final = 40
_LEAST_SPREAD: Final = 0.2  # of filling within a kind, in frames
_RIDGE: Final = 0.05  # of the branches' weight, against slopes that few branches would set
_LEAST_SEPARATION: Final = 1.5  # of the kinds' filling, in spreads: with less, timing tells nothing
_LEAST_SHARE: Final = 0.1  # of the length that each kind has at least
_LEAST_BRANCHES: Final = 8
_FREEDOM: Final = 3.0  # degrees of freedom of the spread within a kind
_LAYERED: Final = (0.05, 12.0, 2.5)  # excess of the walls that says nothing, log-odds by excess, and most of it
_FLOOR: Final = 1e-3
#: Log-odds that filling states, and what they were worth on phantom eyes.
_STATED: Final = (0.0, 1.0, 2.0, 2.5, 3.0, 3.5)
_FOUND: Final = (0.0, 0.04, 0.43, 1.05, 2.63, 4.6)
_LEAST_CALIBRATED: Final = 3  # frames


@dataclass(frozen=True)
class BranchKinds:
    """Kinds of S branches.

    Attributes:
        log_odds: (S,) of artery against vein.
        least_confidence: below which a branch is uncertain.
    """

    log_odds: FloatArray
    least_confidence: float = LEAST_CONFIDENCE

    @property
    def kind(self) -> NDArray[np.int64]:
        """The likelier kind (S,), ARTERY or VEIN."""
        return np.where(self.log_odds > 0, ARTERY, VEIN)

    @property
    def confidence(self) -> FloatArray:
        """Probability of the likelier kind (S,), in [0.5, 1]."""
        return 1 / (1 + np.exp(-np.abs(self.log_odds)))

    @property
    def uncertain(self) -> NDArray[np.bool_]:
        """Branches (S,) whose kind is left open."""
        return self.confidence < self.least_confidence


def timing_log_odds(graph: SegmentGraph, filling: Filling) -> FloatArray:
    """Log-odds of artery against vein from filling alone (S,), `calibrated`; 0 where the frames do not tell.

    What two frames state is a single difference and is taken as it stands: the calibration is of six.
    """
    evidence = timing_evidence(graph, filling)
    return evidence if filling.curves.shape[1] < _LEAST_CALIBRATED else calibrated(evidence)


def calibrated(evidence: FloatArray) -> FloatArray:
    """Log-odds (S,) of artery as they turned out on phantom eyes, from those that filling states.

    Odd and increasing, linear between the knots of ``_STATED`` and flat beyond the last: no branch changes its kind.
    Branches of one eye err together where a surface lies askew, which what each of them states leaves out.
    Source: ``learn`` of benchmarks/groundtruth_labels.py; measured in docs/concepts/ground-truth.md.
    """
    return np.asarray(np.sign(evidence) * np.interp(np.abs(evidence), _STATED, _FOUND))


def timing_evidence(graph: SegmentGraph, filling: Filling) -> FloatArray:
    """Log-odds of artery against vein that filling states (S,), before they are `calibrated`.

    Arteries fill first, veins later, and both later in some places than in others. Two smooth surfaces over the field,
    one for each kind, are fitted to the places of filling in the order of frames; a branch belongs to the nearer one.
    Where the surfaces lie too close (all frames late, say), nothing is said of any branch. Dye along the walls of a
    branch that fills says vein besides.
    """
    odds = np.zeros(graph.num_segments)
    known = np.isfinite(filling.rank)
    if known.sum() >= _LEAST_BRANCHES:
        places = _places(graph)[known]
        odds[known] = _two_surfaces(filling.rank[known], places, graph.lengths_px[known])
    nothing, slope, most = _LAYERED
    layered = np.nan_to_num(filling.layering - nothing, nan=0.0)
    odds -= np.clip(slope * layered, 0, most)
    return np.clip(odds, -TIMING_LIMIT, TIMING_LIMIT)


def _places(graph: SegmentGraph) -> FloatArray:
    """Terms of a smooth surface at the middle of each branch (S, 4): 1, x, y, x^2 + y^2, of unit spread."""
    middle = (graph.offsets[:-1] + graph.offsets[1:]) // 2
    at = graph.points_rc[np.minimum(middle, len(graph.points_rc) - 1)]
    unit = (at - at.mean(axis=0)) / max(float(at.std()), 1e-6)
    square = (unit**2).sum(axis=1)
    return np.column_stack([np.ones(len(at)), unit, square - square.mean()])


def _two_surfaces(rank: FloatArray, terms: FloatArray, weight: FloatArray) -> FloatArray:
    """Log-odds (N,) of the earlier surface, by expectation-maximisation; 0 where the two do not part."""
    artery = (rank <= _first_split(rank, weight)).astype(np.float64)
    early = late = np.zeros_like(rank)
    spread = np.ones(2)
    for _ in range(_ROUNDS):
        early, spread[0] = _surface(rank, terms, weight * artery)
        late, spread[1] = _surface(rank, terms, weight * (1 - artery))
        artery = 1 / (1 + np.exp(-np.clip(_gaussian_odds(rank, early, late, spread), -30, 30)))
    share = float((weight * artery).sum() / weight.sum())
    apart = float((weight * (late - early)).sum() / weight.sum()) / float(np.sqrt((spread**2).mean()))
    if apart < _LEAST_SEPARATION or not _LEAST_SHARE <= share <= 1 - _LEAST_SHARE:
        return np.zeros_like(rank)
    return _student_odds(rank, early, late, spread)


def _first_split(rank: FloatArray, weight: FloatArray) -> float:
    """Rank that parts the branches into two with the least spread within (Otsu 1979)."""
    order = np.argsort(rank)
    value, share = rank[order], np.cumsum(weight[order]) / weight.sum()
    mean = np.cumsum(weight[order] * value) / weight.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (mean[-1] * share - mean) ** 2 / (share * (1 - share))
    between[~np.isfinite(between)] = -1
    return float(value[int(between[:-1].argmax())])


def _surface(rank: FloatArray, terms: FloatArray, weight: FloatArray) -> tuple[FloatArray, float]:
    """Weighted surface at every branch (N,), and the spread round it."""
    total = max(float(weight.sum()), 1e-6)
    system = (terms * weight[:, None]).T @ terms
    system += np.diag([1e-9, *[_RIDGE * total] * (terms.shape[1] - 1)])
    level = terms @ np.linalg.solve(system, (terms * weight[:, None]).T @ rank)
    spread = np.sqrt(float((weight * (rank - level) ** 2).sum()) / total)
    return level, max(spread, _LEAST_SPREAD)


def _distances(
    rank: FloatArray, early: FloatArray, late: FloatArray, spread: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Squared distances from both surfaces in spreads (N,); beyond either surface as on it."""
    at = np.clip(rank, np.minimum(early, late), np.maximum(early, late))
    return ((at - early) / spread[0]) ** 2, ((at - late) / spread[1]) ** 2


def _gaussian_odds(rank: FloatArray, early: FloatArray, late: FloatArray, spread: FloatArray) -> FloatArray:
    """Log-odds of the earlier of two Gaussians."""
    near, far = _distances(rank, early, late, spread)
    return np.asarray((far - near) / 2 + np.log(spread[1] / spread[0]))


def _student_odds(rank: FloatArray, early: FloatArray, late: FloatArray, spread: FloatArray) -> FloatArray:
    """Log-odds of the earlier of two Student's densities, whose long tails leave what lies between them uncertain."""
    near, far = (np.log1p(square / _FREEDOM) for square in _distances(rank, early, late, spread))
    return np.asarray((_FREEDOM + 1) / 2 * (far - near) + np.log(spread[1] / spread[0]))


def network_log_odds(graph: SegmentGraph, chance: NDArray[np.float32]) -> FloatArray:
    """Log-odds of artery against vein by a network's probabilities (2 or 3, H, W), artery and vein first: (S,).

    The mean over the branch's points of the log-odds, limited to `NETWORK_LIMIT`.
    """
    rows, columns = np.rint(graph.points_rc).astype(np.int64).T
    artery, vein = (chance[kind][rows, columns].astype(np.float64) for kind in (ARTERY, VEIN))
    odds = np.log(artery + _FLOOR) - np.log(vein + _FLOOR)
    counted = graph.clear.astype(np.float64)
    sums = (
        np.add.reduceat(np.stack([odds * counted, counted]), graph.offsets[:-1], axis=1)
        if len(odds)
        else np.zeros((2, 0))
    )
    return np.clip(sums[0] / np.maximum(sums[1], 1), -NETWORK_LIMIT, NETWORK_LIMIT)


def combined_kinds(
    timing: FloatArray, network: FloatArray | None = None, *, least_confidence: float = LEAST_CONFIDENCE
) -> BranchKinds:
    """Kinds from the sum of both log-odds (S,), as of two observers who err apart; from timing alone without a network.

    Raises:
        ValueError: a confidence outside [0.5, 1].
    """
    if not 0.5 <= least_confidence <= 1:
        raise ValueError(f"least_confidence: found {least_confidence}, expected a number in [0.5, 1]")
    return BranchKinds(timing if network is None else timing + network, least_confidence)
