"""Traced vessels brought closer to trees: fragments attached, kinds put right, small loops and specks removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.vessels.tracing.gaps import smooth_arc
from monai_fundusgen.vessels.tracing.links import Links, piece_lengths_px, pieces_of, ways_on
from monai_fundusgen.vessels.tracing.loops import loop_parts, with_crossings
from monai_fundusgen.vessels.tracing.paths import KindPaths

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

_ROUNDS: Final = 3
_OVER: Final = 0.3  # share of a pixel from which a vessel of the other kind is there
_OPENING_PX: Final = 5.0  # of a loop's spare part is taken away, so much that its end does not look joined
_ROUND_TIP_PX: Final = 5.0  # near its link, a fragment may lie on a vessel of the other kind


@dataclass(frozen=True)
class PathRepair:
    """What is put right, in px of the soft map; 0 switches a step off.

    Attributes:
        attach_px: longest unseen gap over which a fragment is joined to a vessel of its kind.
        flip_px: longest gap over which a fragment is joined to a vessel of the other kind, whose kind it then takes.
        flip_length_px: only fragments with at most this much centre line change their kind.
        turn_cost_px: what a link between kinds costs more than one within a kind, where both are possible.
        loop_px: loops of at most this length are opened at their thinnest part; vessels of one kind that cross count as
            joined there.
        speck_px: pieces with less centre line are dropped at the end.
        tolerance_deg: how far an end may point past what it is joined to.
        distal_px: what a link costs more at the end of a fragment that is far from the disc.
    """

    attach_px: float = 6.0
    flip_px: float = 1.0
    flip_length_px: float = 20.0
    turn_cost_px: float = 4.0
    loop_px: float = 0.0
    speck_px: float = 4.0
    tolerance_deg: float = 40.0
    distal_px: float = 6.0


@dataclass
class _Forest:
    """Paths of both kinds; pieces (I,) grow together as links are accepted."""

    paths: KindPaths
    kind: IntArray  # (S,)

    def __post_init__(self) -> None:
        self.piece = pieces_of(self.paths)  # (S,)
        count = int(self.piece.max(initial=-1)) + 1
        lengths = self.paths.lengths_px
        radius = np.add.reduceat(self.paths.radius_px, self.paths.offsets[:-1]) / np.diff(self.paths.offsets)
        self.length = np.bincount(self.piece, weights=lengths, minlength=count)
        self.mass = np.bincount(self.piece, weights=lengths * radius, minlength=count)
        self.kind_of = np.zeros(count, dtype=np.int64)
        self.kind_of[self.piece] = self.kind
        self.root = np.arange(count)

    def members(self, root: int) -> BoolArray:
        """Paths of a grown piece (S,)."""
        return self.root[self.piece] == root

    def merge(self, into: int, root: int) -> None:
        """Make two grown pieces one, of the first one's kind."""
        self.root[self.root == root] = into
        self.length[into] += self.length[root]
        self.mass[into] += self.mass[root]

    def kinds(self) -> IntArray:
        """Kind of every path (S,)."""
        return self.kind_of[self.root[self.piece]]


def _may_turn(forest: _Forest, root: int, at: int, soft: NDArray[np.float32], longest_px: float) -> bool:
    """Whether a piece may change its kind: it is short, and meets the new kind nowhere but at its link."""
    if forest.length[root] > longest_px:
        return False
    points = forest.paths.points_rc[np.repeat(forest.members(root), np.diff(forest.paths.offsets))]
    rows, columns = np.clip(np.rint(points), 0, soft.shape[-1] - 1).astype(int).T
    over = soft[1 - forest.kind_of[root], rows, columns] > _OVER
    far = np.hypot(*(points - forest.paths.points_rc[at]).T) > _ROUND_TIP_PX
    return int((over & far).sum()) <= 1


def _accepted(forest: _Forest, links: Links, soft: NDArray[np.float32], repair: PathRepair) -> IntArray:
    """Links that are taken, cheapest first: each end once, never within a piece, so no loop arises.

    A link between kinds costs more; if it is taken, the lighter piece takes the other's kind.
    """
    path_of = np.repeat(np.arange(len(forest.kind)), np.diff(forest.paths.offsets))
    between = forest.kind[path_of[links.point]] != forest.kind[path_of[links.target]]
    cost = links.cost + between * repair.turn_cost_px
    possible = links.unseen <= np.where(between, repair.flip_px, repair.attach_px)
    used: set[int] = set()
    taken = []
    order = np.argsort(cost, kind="stable")
    for i in order[possible[order]].tolist():
        point, target = int(links.point[i]), int(links.target[i])
        a, b = (int(forest.root[forest.piece[path_of[p]]]) for p in (point, target))
        if a == b or used & {point, target}:
            continue
        light, heavy = (a, b) if forest.mass[a] <= forest.mass[b] else (b, a)
        turns = forest.kind_of[a] != forest.kind_of[b]
        springs = light == a or bool(links.end_on[i])  # a vessel does not end on the wall of its own branch
        if turns != between[i] or (
            turns and not (springs and _may_turn(forest, light, point, soft, repair.flip_length_px))
        ):
            continue
        forest.merge(heavy, light)
        used |= {point, target} if links.end_on[i] else {point}
        taken.append(i)
    return np.array(taken, dtype=np.int64)


def _linked(forest: _Forest, links: Links, taken: IntArray) -> tuple[KindPaths, IntArray]:
    """Paths and kinds with the links drawn."""
    before = forest.paths
    point, target = links.point[taken], links.target[taken]
    paths, came_from, node = before.split_at(np.concatenate([point, target]))
    kind = forest.kinds()[came_from]
    points, radii, sizes = [paths.points_rc], [paths.radius_px], []
    for i, a, b in zip(taken, point, target, strict=True):
        arc = smooth_arc(before.points_rc[a], before.points_rc[b], links.outward[i], links.arrival[i])
        last = before.radius_px[b] if links.end_on[i] else min(before.radius_px[[a, b]])
        points.append(arc)
        radii.append(np.linspace(before.radius_px[a], last, len(arc)))
        sizes.append(len(arc))
    joined = KindPaths(
        np.concatenate(points),
        np.concatenate(radii),
        np.append(paths.offsets, paths.offsets[-1] + np.cumsum(sizes, dtype=np.int64)),
        np.concatenate([paths.nodes, node.reshape(2, -1).T]),
    )
    kind_at = np.repeat(forest.kinds(), np.diff(before.offsets))
    return joined, np.concatenate([kind, kind_at[point]])


def _stacked(artery: KindPaths, vein: KindPaths) -> tuple[KindPaths, IntArray]:
    """Both kinds as one set of paths, and the kind of each path."""
    both = KindPaths(
        np.concatenate([artery.points_rc, vein.points_rc]),
        np.concatenate([artery.radius_px, vein.radius_px]),
        np.append(artery.offsets, artery.offsets[-1] + vein.offsets[1:]),
        np.concatenate([artery.nodes, vein.nodes + artery.nodes.max(initial=-1) + 1]),
    )
    return both, np.repeat(np.array([ARTERY, VEIN]), [len(artery.nodes), len(vein.nodes)])


def _joined(
    paths: KindPaths, kind: IntArray, soft: NDArray[np.float32], repair: PathRepair, disc_rc: tuple[float, float]
) -> tuple[KindPaths, IntArray]:
    """Pieces linked, in rounds, until no link is left."""
    reach_px = max(repair.attach_px, repair.flip_px)
    for _ in range(_ROUNDS if reach_px else 0):
        away = np.hypot(*(paths.points_rc - np.nan_to_num(disc_rc)).T)
        distal_px = repair.distal_px if np.isfinite(disc_rc).all() else 0.0
        links = ways_on(
            paths,
            away,
            soft.max(axis=0),
            reach_px=reach_px,
            tolerance_deg=repair.tolerance_deg,
            distal_px=distal_px,
        )
        forest = _Forest(paths, kind)
        taken = _accepted(forest, links, soft, repair)
        if not len(taken):
            break
        paths, kind = _linked(forest, links, taken)
    return paths, kind


def _opened(
    paths: KindPaths, kind: IntArray, spare: BoolArray, disc_rc: tuple[float, float]
) -> tuple[KindPaths, IntArray]:
    """Loops opened: a spare path (S,) loses its stretch beside its end far from the disc, a short one goes."""
    away = np.hypot(*(paths.points_rc - np.nan_to_num(disc_rc)).T)
    keep = np.ones(len(paths.points_rc), dtype=bool)
    for path in np.flatnonzero(spare):
        first, after = int(paths.offsets[path]), int(paths.offsets[path + 1])
        along = np.append(0.0, np.cumsum(np.hypot(*np.diff(paths.points_rc[first:after], axis=0).T)))
        from_far_end = along[-1] - along if away[after - 1] >= away[first] else along
        keep[first:after] = (from_far_end > _OPENING_PX) & (along[-1] > 2 * _OPENING_PX)
    path_of = np.repeat(np.arange(len(kind)), np.diff(paths.offsets))
    stays = np.bincount(path_of, weights=keep, minlength=len(kind)) > 1
    return paths.cut(keep), kind[stays]


def repair_paths(
    artery: KindPaths,
    vein: KindPaths,
    soft: NDArray[np.float32],
    repair: PathRepair,
    *,
    disc_rc: tuple[float, float] = (float("nan"), float("nan")),
) -> tuple[KindPaths, KindPaths]:
    """Arteries and veins closer to trees.

    Args:
        artery, vein: paths as traced.
        soft: (2, S, S) the map that they were traced in.
        repair: what is done.
        disc_rc: middle of the disc, px; NaN where it is unknown, and ``distal_px`` then costs nothing.
    """
    paths, kind = _stacked(artery, vein)
    if not len(kind):
        return artery, vein
    paths, kind = _joined(paths, kind, soft, repair, disc_rc)
    if repair.loop_px:
        paths, kind = with_crossings(paths, kind)
    paths, kind = _opened(paths, kind, loop_parts(paths, repair.loop_px), disc_rc)
    large = piece_lengths_px(paths) >= repair.speck_px
    paths, kind = paths.kept(large), kind[large]
    return paths.kept(kind == ARTERY), paths.kept(kind == VEIN)
