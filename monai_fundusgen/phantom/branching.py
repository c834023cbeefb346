"""Growth by colonisation: both forests reach for scattered targets, coarse ones first, twigs last.

Space colonisation (Runions et al. 2007) with a preferred direction (:mod:`monai_fundusgen.phantom.flow`) and two kinds
that keep apart: every target pulls the nearest node of its kind, and is dropped once a node is near.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from monai_fundusgen.phantom.flow import Frame, crosses_raphe, flow_to_fovea, in_domain
from monai_fundusgen.phantom.forest import STEP_MM, Forest, add_node, edge_is_clear

FloatArray = NDArray[np.float64]


class Stage(NamedTuple):
    """One stage of growth; mm and degrees.

    ``spacing`` between targets, ``reach`` of a target, ``attraction`` and ``flow`` weights of targets and of the
    preferred direction (the rest is inertia), ``wander`` of a tip per step (radians), ``side_min`` and ``side_max``
    angle of a side branch to its parent, ``rounds`` at most, ``level`` written to new nodes.
    """

    spacing: float
    reach: float
    attraction: float
    flow: float
    wander: float
    side_min: float
    side_max: float
    rounds: int
    level: int


STAGES = (
    Stage(1.70, 4.5, 0.28, 0.15, 0.07, 42.0, 68.0, 70, 1),
    Stage(0.70, 3.2, 0.20, 0.34, 0.07, 50.0, 80.0, 60, 2),
    Stage(0.85, 2.2, 0.34, 0.12, 0.08, 48.0, 76.0, 60, 2),
    Stage(0.43, 1.3, 0.32, 0.14, 0.09, 53.0, 84.0, 60, 3),
)
#: The stage that grows the macular twigs, and the half axes of its ellipse round the fovea, mm.
MACULAR_STAGE, MACULA_MM = 1, (3.4, 2.2)
#: Targets of one kind are dropped within this share of the spacing of a vessel of the other kind.
SHUN = 0.30
#: A target is reached within this share of the spacing.
REACHED = 0.55
#: A tip serves targets within 75 degrees of its heading, an interior node within 115; others fall to nodes above it.
TIP_COSINE, SIDE_COSINE, MAX_HOPS = 0.26, -0.42, 6
#: Tips turn at most this much per step, radians.
MAX_TURN = 0.26
#: A tip divides where its targets on either side are this far apart, radians.
DIVIDING_ANGLE = 1.15


class Targets(NamedTuple):
    """Targets of growth of both kinds: position, kind, and the nearest node of the kind with its distance.

    Reached targets have distance -1.
    """

    xy: FloatArray
    kind: NDArray[np.uint8]
    nearest: NDArray[np.int32]
    distance: FloatArray


class Pull(NamedTuple):
    """Per node, what its targets ask for: unit vectors summed over all, over those to its left and to its right."""

    total: FloatArray
    left: FloatArray
    right: FloatArray
    number: NDArray[np.int32]


def in_macula(xy: FloatArray) -> NDArray[np.bool_]:
    """Points (N, 2) of the macula and of the raphe temporal to it."""
    long, short = MACULA_MM
    centre = -0.8  # temporal of the fovea, in a right eye
    return ((xy[:, 0] - centre) / long) ** 2 + (xy[:, 1] / short) ** 2 < 1


def scatter_targets(frame: Frame, spacing: float, rng: np.random.Generator) -> Targets:
    """A jittered square grid of targets per kind, inside the grown domain."""
    ticks = np.arange(-frame.radius, frame.radius + spacing, spacing)
    xy, kind = [], []
    for which in (0, 1):
        points = np.stack(np.meshgrid(ticks, ticks), -1).reshape(-1, 2)
        points = points + rng.uniform(-0.5, 0.5, points.shape) * spacing + (frame.centre_x, frame.centre_y)
        points = points[rng.random(len(points)) < 0.92]
        inside = [in_domain(frame, x, y) for x, y in points]
        xy.append(points[inside])
        kind.append(np.full(len(xy[-1]), which, np.uint8))
    number = sum(map(len, kind))
    where: FloatArray = np.round(np.concatenate(xy), 6).astype(np.float64)
    return Targets(where, np.concatenate(kind), np.full(number, -1, np.int32), np.full(number, np.inf))


@njit(cache=True)
def _notice(forest: Forest, targets: Targets, node: int, reached: float, shunned: float) -> None:
    """Tell the targets about a node: nearer ones adopt it, reached ones and those near the other kind drop out."""
    kind, x, y = forest.kind[node], forest.xy[node, 0], forest.xy[node, 1]
    for t in range(len(targets.kind)):
        best = targets.distance[t]
        if best < 0:
            continue
        square = (targets.xy[t, 0] - x) ** 2 + (targets.xy[t, 1] - y) ** 2
        if square < (shunned if targets.kind[t] != kind else reached) ** 2:
            targets.distance[t] = -1
        elif targets.kind[t] == kind and square < best * best:
            targets.distance[t], targets.nearest[t] = math.sqrt(square), node


@njit(cache=True)
def _server(forest: Forest, frame: Frame, node: int, x: float, y: float) -> int:
    """The node that may grow towards (x, y): ``node``, or one of a few above it if it is full or heads away; or -1."""
    for _ in range(MAX_HOPS):
        if forest.parent[node] < 0:
            return -1
        if forest.children[node] < 2:
            gx, gy = x - forest.xy[node, 0], y - forest.xy[node, 1]
            ahead = (gx * forest.heading[node, 0] + gy * forest.heading[node, 1]) / math.sqrt(gx * gx + gy * gy + 1e-12)
            if ahead > (TIP_COSINE if forest.children[node] == 0 else SIDE_COSINE):
                away = crosses_raphe(frame, forest.xy[node, 0], forest.xy[node, 1], x, y)
                return -1 if away else node
        node = forest.parent[node]
    return -1


@njit(cache=True)
def _gather(forest: Forest, frame: Frame, targets: Targets, stage: Stage, kind: int, pull: Pull) -> None:
    """Sum, per node, the directions to the targets that it is to serve."""
    n = forest.used[0]
    pull.total[:n], pull.left[:n], pull.right[:n] = 0.0, 0.0, 0.0
    pull.number[:n] = 0
    for t in range(len(targets.kind)):
        d = targets.distance[t]
        if targets.kind[t] != kind or d < 0 or d > stage.reach:
            continue
        x, y = targets.xy[t]
        i = _server(forest, frame, targets.nearest[t], x, y)
        if i < 0:
            continue
        gx, gy = x - forest.xy[i, 0], y - forest.xy[i, 1]
        norm = math.sqrt(gx * gx + gy * gy)
        gx, gy = gx / norm, gy / norm
        pull.total[i, 0] += gx
        pull.total[i, 1] += gy
        pull.number[i] += 1
        half = pull.left if forest.heading[i, 0] * gy - forest.heading[i, 1] * gx > 0 else pull.right
        half[i, 0] += gx
        half[i, 1] += gy


@njit(cache=True)
def _angle_between(ax: float, ay: float, bx: float, by: float) -> float:
    """Signed angle from a to b, radians."""
    return math.atan2(ax * by - ay * bx, ax * bx + ay * by)


@njit(cache=True)
def _try_step(forest: Forest, frame: Frame, i: int, turn: float, level: int) -> bool:
    """Whether a step of node i, turned from its heading, ends in the domain, on its side of the raphe and clear."""
    heading, tip = _stepped(forest, i, turn)
    x, y = forest.xy[i]
    if not in_domain(frame, tip[0], tip[1]) or crosses_raphe(frame, x, y, tip[0], tip[1]):
        return False
    return edge_is_clear(forest, i, tip, heading, level)


@njit(cache=True)
def _stepped(forest: Forest, i: int, turn: float) -> tuple[FloatArray, FloatArray]:
    """Heading and end point of a step of node i, turned from its heading."""
    c, s = math.cos(turn), math.sin(turn)
    hx, hy = forest.heading[i]
    heading = np.array([c * hx - s * hy, s * hx + c * hy])
    return heading, forest.xy[i] + STEP_MM * heading


@njit(cache=True)
def _free_of_divisions(forest: Forest, i: int, steps: int) -> bool:
    """Whether no node within ``steps`` up or down the vessel of node i divides, roots included."""
    up, down = i, i
    for _ in range(steps):
        up = forest.parent[up]
        if up < 0 or forest.children[up] > 1:
            return False
        if forest.children[down] > 1:
            return False
        if forest.children[down] == 1:
            down = forest.child[down]
    return True


@njit(cache=True)
def _tip_turn(forest: Forest, frame: Frame, stage: Stage, i: int, pull: Pull, noise: float) -> float:
    """Turn of a growing tip: targets, preferred direction and inertia, and a little wander."""
    gx, gy = pull.total[i]
    norm = math.sqrt(gx * gx + gy * gy) + 1e-9
    fx, fy = flow_to_fovea(frame, forest.xy[i, 0], forest.xy[i, 1])
    hx, hy = forest.heading[i]
    inertia = 1 - stage.attraction - stage.flow
    dx = stage.attraction * gx / norm + stage.flow * fx + inertia * hx
    dy = stage.attraction * gy / norm + stage.flow * fy + inertia * hy
    turn = _angle_between(hx, hy, dx, dy) + stage.wander * noise
    return min(max(turn, -MAX_TURN), MAX_TURN)


@njit(cache=True)
def _side_turn(forest: Forest, frame: Frame, stage: Stage, i: int, pull: Pull) -> float:
    """Turn of a side branch of an interior node, 0 if its targets lie behind."""
    gx, gy = pull.total[i]
    norm = math.sqrt(gx * gx + gy * gy) + 1e-9
    gx, gy = gx / norm, gy / norm
    fx, fy = flow_to_fovea(frame, forest.xy[i, 0], forest.xy[i, 1])
    gx, gy = 0.7 * gx + 0.3 * fx, 0.7 * gy + 0.3 * fy
    angle = _angle_between(forest.heading[i, 0], forest.heading[i, 1], gx, gy)
    if abs(angle) > 2.0:
        return 0.0
    size = min(max(abs(angle), math.radians(stage.side_min)), math.radians(stage.side_max))
    return math.copysign(size, angle)


@njit(cache=True)
def _division(i: int, pull: Pull, noise: float) -> tuple[float, float]:
    """Turns (left > 0, right < 0) of the two daughters of a dividing tip; zeros if its targets do not part.

    The daughters' angles are those of least work (Zamir 1978) for a drawn ratio of calibres.
    """
    lx, ly = pull.left[i]
    rx, ry = pull.right[i]
    if lx * lx + ly * ly < 1 or rx * rx + ry * ry < 1 or _angle_between(rx, ry, lx, ly) % 6.2832 < DIVIDING_ANGLE:
        return 0.0, 0.0
    thick, thin = daughter_angles(min(0.55 + 0.25 * abs(noise), 1.0))
    return (thick, -thin) if noise > 0 else (thin, -thick)


@njit(cache=True)
def daughter_angles(ratio: float) -> tuple[float, float]:
    """Angles (radians) of the thick and the thin daughter to their parent, ``ratio`` = thin / thick calibre in (0, 1].

    Source: Zamir 1978 (J Gen Physiol 72:837), least volume with exponent 3.
    """
    cube = ratio**3
    whole = (1 + cube) ** (4 / 3)
    thick = (whole + 1 - ratio**4) / (2 * (1 + cube) ** (2 / 3))
    thin = (whole + ratio**4 - 1) / (2 * ratio**2 * (1 + cube) ** (2 / 3))
    return math.acos(min(thick, 1.0)), math.acos(min(thin, 1.0))


@njit(cache=True)
def _grow_node(
    forest: Forest, frame: Frame, stage: Stage, i: int, pull: Pull, noise: float
) -> tuple[int, float, float]:
    """Number of steps (0-2) that node i takes now, and their turns."""
    steps = max(3, int(0.5 * stage.spacing / STEP_MM))
    level = stage.level
    if forest.children[i] == 0:
        left, right = _division(i, pull, noise)
        if (
            left != 0.0
            and _free_of_divisions(forest, i, steps)
            and _try_step(forest, frame, i, left, level)
            and _try_step(forest, frame, i, right, level)
        ):
            return 2, left, right
        turn = _tip_turn(forest, frame, stage, i, pull, noise)
        return int(_try_step(forest, frame, i, turn, max(level, forest.level[i]))), turn, 0.0
    turn = _side_turn(forest, frame, stage, i, pull)
    if turn == 0.0 or not _free_of_divisions(forest, i, steps):
        return 0, 0.0, 0.0
    return int(_try_step(forest, frame, i, turn, level)), turn, 0.0


@njit(cache=True)
def colonise(forest: Forest, frame: Frame, stage: Stage, targets: Targets, noise: FloatArray, cursor: int) -> int:
    """Grow both kinds until no target pulls a free node, the stage's rounds are over or the forest is full.

    ``noise`` is a pool of standard normal numbers used cyclically from ``cursor``; returns the next cursor.
    """
    capacity = len(forest.parent)
    pull = Pull(np.zeros((capacity, 2)), np.zeros((capacity, 2)), np.zeros((capacity, 2)), np.zeros(capacity, np.int32))
    reached, shunned = REACHED * stage.spacing, SHUN * stage.spacing
    for i in range(forest.used[0]):
        _notice(forest, targets, i, reached, shunned)
    for turn in range(stage.rounds):
        before = forest.used[0]
        for kind in (turn % 2, 1 - turn % 2):  # in turns: neither kind always comes first
            _gather(forest, frame, targets, stage, kind, pull)
            for i in range(forest.used[0]):
                if pull.number[i] == 0 or forest.children[i] > 1 or forest.parent[i] < 0:
                    continue
                cursor = (cursor + 1) % len(noise)
                steps, first, second = _grow_node(forest, frame, stage, i, pull, noise[cursor])
                for k in range(steps):
                    _, tip = _stepped(forest, i, first if k == 0 else second)
                    j = add_node(forest, tip[0], tip[1], i, kind, stage.level, forest.quadrant[i])
                    _notice(forest, targets, j, reached, shunned)
        if forest.used[0] == before or forest.used[0] > capacity - 400:
            break
    return cursor
