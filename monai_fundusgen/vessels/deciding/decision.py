"""Undecided pixels of a label turned into arteries, veins, crossings, and pixels that are left open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.vessels.deciding.colour import ColourJudge, measure_depths
from monai_fundusgen.vessels.deciding.crossings import crossing_pixels
from monai_fundusgen.vessels.deciding.evidence import artery_shares
from monai_fundusgen.vessels.deciding.links import find_links
from monai_fundusgen.vessels.deciding.painting import OPEN, paint
from monai_fundusgen.vessels.deciding.pieces import Piece, find_pieces
from monai_fundusgen.vessels.deciding.tangles import tangled
from monai_fundusgen.vessels.skeleton import EIGHT

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Photograph = NDArray[np.uint8]

_WIDEST: Final = 0.99  # quantile of known widths that counts as the widest vessel, and
_FUSED: Final = 1.25  # how much wider undecided pixels hold several vessels side by side
_ROUNDS: Final = 4  # what still changes after so many is left open


@dataclass(frozen=True)
class Branch:
    """One undecided vessel and what was decided.

    Attributes:
        rc: a point in its middle.
        length_px, width_px: its size.
        kind: ARTERY, VEIN or OPEN.
        artery_share: in [0, 1], of all evidence.
        artery_by_colour: in [0, 1], of its colour alone; NaN without a photograph.
    """

    rc: tuple[float, float]
    length_px: float
    width_px: float
    kind: int
    artery_share: float
    artery_by_colour: float

    @property
    def confidence(self) -> float:
        """In [0, 1]."""
        return abs(2 * self.artery_share - 1)


@dataclass(frozen=True)
class Decision:
    """A decided label and its branches.

    Attributes:
        vessels: (2, H, W) bool; both only where an artery crosses a vein.
        open: (H, W) bool, undecidable: of neither kind, to be ignored by trainings.
        branches: what was undecided in the map, from top to bottom.
    """

    vessels: BoolArray
    open: BoolArray
    branches: list[Branch]


@dataclass(frozen=True)
class _Judged:
    """A piece with the share of artery, the colour and the kind of each of its stretches, all (S,)."""

    piece: Piece
    share: FloatArray
    colour: FloatArray
    kinds: NDArray[np.int64]

    def branches(self) -> list[Branch]:
        """The stretches as branches of the whole label."""
        found = []
        for i, stretch in enumerate(self.piece.vessels.stretches):
            row, column = stretch.points_rc[len(stretch.points_rc) // 2] + self.piece.corner_rc
            numbers = float(row), float(column), stretch.length_px, stretch.width_px
            found.append(
                Branch(numbers[:2], *numbers[2:], int(self.kinds[i]), float(self.share[i]), float(self.colour[i]))
            )
        return found


def _colours(pieces: Sequence[Piece], vessels: BoolArray, photograph: Photograph | None) -> list[FloatArray]:
    """Probability of artery by colour of the stretches of each piece; NaN without a photograph."""
    if photograph is None:
        return [np.full(len(piece.vessels.stretches), np.nan) for piece in pieces]
    judge = ColourJudge(measure_depths(photograph, np.asarray(vessels.any(axis=0))))
    judge.fit([(graph, kind, piece.corner_rc) for piece in pieces for kind, graph in enumerate(piece.graphs)])
    return [
        np.array(
            [judge.artery_probability(one.points_rc + piece.corner_rc, one.width_px) for one in piece.vessels.stretches]
        )
        for piece in pieces
    ]


def _widest(pieces: Sequence[Piece]) -> float:
    """Width that hardly any known vessel round the pieces exceeds; infinite without any."""
    widths = np.concatenate([graph.width_px for piece in pieces for graph in piece.graphs])
    return float(np.quantile(widths, _WIDEST)) if len(widths) else np.inf


def _judged(
    pieces: Sequence[Piece], vessels: BoolArray, photograph: Photograph | None, least_confidence: float
) -> list[_Judged]:
    """All pieces judged by their links and colours; tangles, and what is too wide for one vessel, are left open."""
    spoilt = tangled(pieces, max(vessels.shape[1:]))
    widest = _FUSED * _widest(pieces)
    found = []
    for piece, colour, tangle in zip(pieces, _colours(pieces, vessels, photograph), spoilt, strict=True):
        known_colour = np.where(np.isnan(colour), 0.5, colour)
        share = artery_shares(find_links(piece.vessels), len(colour), known_colour)
        kinds = np.where(share > 0.5, ARTERY, VEIN)
        fused = np.array([one.width_px > widest for one in piece.vessels.stretches], dtype=bool)
        kinds[(np.abs(2 * share - 1) < least_confidence) | tangle | fused] = OPEN
        found.append(_Judged(piece, share, colour, kinds))
    return found


def _decided_once(
    vessels: BoolArray, photograph: Photograph | None, least_confidence: float
) -> tuple[BoolArray, BoolArray, list[Branch]]:
    """One round: vessel map, open pixels, branches."""
    opened = np.zeros(vessels.shape[1:], dtype=bool)
    undecided = vessels[ARTERY] & vessels[VEIN] & ~crossing_pixels(vessels)
    pieces = find_pieces(vessels, undecided)
    after = vessels & ~undecided
    branches = []
    for judged in _judged(pieces, vessels, photograph, least_confidence) if pieces else []:
        planes = paint(judged.piece.undecided, judged.piece.vessels, judged.kinds)
        after[(slice(None), *judged.piece.box)] |= planes[:OPEN]
        opened[judged.piece.box] |= planes[OPEN]
        branches += judged.branches()
    return after, opened, branches


def decide(vessels: BoolArray, photograph: Photograph | None = None, *, least_confidence: float = 0.3) -> Decision:
    """Decide the pixels that are artery and vein at once; all others stay as they are.

    A compact piece of such pixels between vessels of both kinds is a crossing and stays. Any other is cut into
    stretches; what is known of the vessels that come in flows along them, more readily straight on than round corners
    or into another calibre, and is weighed with their colour. Then both trees are drawn, and the next round looks at
    what both cover, until nothing changes. A decided map without open pixels is returned as it is, and a mirrored map
    gives the mirrored decision.

    Args:
        vessels: (2, H, W) bool.
        photograph: (3, H, W) uint8, whose colour is evidence; None: the map alone.
        least_confidence: stretches with less are left open.

    Raises:
        ValueError: the map is not boolean, or the photograph is of another size.
    """
    if vessels.dtype != np.bool_ or vessels.ndim != 3 or len(vessels) != 2:
        raise ValueError(f"decide: found {vessels.dtype} {vessels.shape}; expected a boolean vessel map (2, H, W)")
    if photograph is not None and photograph.shape != (3, *vessels.shape[1:]):
        raise ValueError(f"decide: photograph {photograph.shape}, label {vessels.shape[1:]}; expected one size")
    turn = _canonical(vessels)
    seen = None if photograph is None else photograph[turn]
    found = _settled(vessels[turn], seen, least_confidence)
    height, width = vessels.shape[1:]
    back = [
        replace(one, rc=(_mirrored(one.rc[0], height, turn[1]), _mirrored(one.rc[1], width, turn[2])))
        for one in found.branches
    ]
    return Decision(found.vessels[turn], found.open[turn[1:]], sorted(back, key=lambda one: one.rc))


def _settled(vessels: BoolArray, photograph: Photograph | None, least_confidence: float) -> Decision:
    """Rounds until nothing changes."""
    left = np.zeros(vessels.shape[1:], dtype=bool)
    branches: list[Branch] = []
    for round_ in range(3 * _ROUNDS):
        after, opened, found = _decided_once(vessels, photograph, least_confidence)
        branches = branches or found
        if round_ >= _ROUNDS:
            opened |= _unsettled(vessels, after)
            after = after & ~opened
        left |= opened
        if (after == vessels).all():
            break
        vessels = after
    return Decision(vessels, left, branches)


def _unsettled(before: BoolArray, after: BoolArray) -> BoolArray:
    """Undecided pieces that still change."""
    labels, _ = ndimage.label(before.all(axis=0), structure=EIGHT)
    changed: BoolArray = np.isin(labels, np.unique(labels[(after != before).any(axis=0)])) & (labels > 0)
    return changed


def _canonical(vessels: BoolArray) -> tuple[slice, slice, slice]:
    """Mirror that brings most vessels to the lower right: thinning is not symmetric, so one mirror image must serve."""
    turn = [slice(None)]
    for axis in (1, 0):
        count = np.count_nonzero(vessels.any(axis=0), axis=axis)
        lean = float(count @ (np.arange(len(count)) - (len(count) - 1) / 2))
        turn.append(slice(None, None, -1 if lean < 0 else 1))
    return turn[0], turn[1], turn[2]


def _mirrored(place: float, size: int, turn: slice) -> float:
    return size - 1 - place if turn.step == -1 else place
