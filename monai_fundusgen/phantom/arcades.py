"""The plan of one eye's trunks: four pairs, their divisions and the fine vessels of the disc's temporal rim."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numba import njit
from numpy.typing import NDArray

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.phantom.flow import Frame
from monai_fundusgen.phantom.forest import STEP_MM, segments_cross
from monai_fundusgen.phantom.trunks import Course, Trunk, trace

FloatArray = NDArray[np.float64]

#: Attempts to draw trunks that keep their distances; the least bad is taken.
ATTEMPTS = 30
#: Least distance between unrelated vessels of the plan, mm, by kind: same, other.
OWN_DISTANCE_MM, PAIR_DISTANCE_MM = 0.16, 0.23
#: Artery and vein of the plan may be closer than that within this distance of a steep crossing.
CROSSING_REACH_MM = 0.40
MAX_STEPS = 170


def draw_trunks(frame: Frame, tortuosity: float, rng: np.random.Generator) -> list[Trunk]:
    """Trunks, branches and rim vessels of one right eye, free of contacts except steep artery-vein crossings."""
    best: list[Trunk] = []
    fewest = np.inf
    for _ in range(ATTEMPTS):
        mains = _main_trunks(frame, tortuosity, rng)
        contacts = sum(contact_step(a.path_mm, b.path_mm, a.kind == b.kind, 0) >= 0 for a, b in _pairs(mains))
        if contacts < fewest:
            best, fewest = mains, contacts
        if fewest == 0:
            break
    trunks = list(best)
    for index in range(len(best)):
        for branch in _branches(frame, best[index], index, rng):
            _add_if_clear(trunks, branch)
    for rim in _rim_vessels(frame, rng):
        _add_if_clear(trunks, rim)
    return trunks


def _pairs(trunks: list[Trunk]) -> list[tuple[Trunk, Trunk]]:
    return [(a, b) for i, a in enumerate(trunks) for b in trunks[:i]]


def _free_of_siblings(trunks: list[Trunk], new: Trunk) -> bool:
    """Whether no division is near on the vessel it branches from; its end may bear two."""
    steps = [abs(old.origin_step - new.origin_step) for old in trunks if old.origin == new.origin]
    is_fork = new.origin_step == len(trunks[new.origin].path_mm) - 1
    return all(step >= 5 or (step == 0 and is_fork) for step in steps) and steps.count(0) < 2


def _add_if_clear(trunks: list[Trunk], new: Trunk) -> None:
    """Append a vessel up to its first contact, if at least 0.8 mm are left of it."""
    end = len(new.path_mm)
    if new.origin >= 0 and not _free_of_siblings(trunks, new):
        return
    for index, old in enumerate(trunks):
        skip = 6 if index == new.origin or (old.origin == new.origin >= 0) else 0
        step = contact_step(new.path_mm, old.path_mm, new.kind == old.kind, skip)
        end = min(end, step if step >= 0 else end)
    if end >= 8:
        trunks.append(replace(new, path_mm=new.path_mm[:end]))


@njit(cache=True)
def _steep_crossing_near(a: FloatArray, b: FloatArray, i: int) -> bool:
    """Whether path a crosses path b at over 37 degrees within reach of its point i."""
    reach = int(CROSSING_REACH_MM / STEP_MM)
    for j in range(max(i - reach, 0), min(i + reach, len(a) - 1)):
        for k in range(len(b) - 1):
            if segments_cross(a[j], a[j + 1], b[k], b[k + 1]):
                d, e = a[j + 1] - a[j], b[k + 1] - b[k]
                cosine = abs(d[0] * e[0] + d[1] * e[1]) / math.sqrt((d[0] ** 2 + d[1] ** 2) * (e[0] ** 2 + e[1] ** 2))
                return cosine < 0.80
    return False


@njit(cache=True)
def contact_step(a: FloatArray, b: FloatArray, same_kind: bool, skip: int) -> int:
    """First point of path a, after ``skip``, that comes too close to path b; -1 if none does."""
    limit = OWN_DISTANCE_MM if same_kind else PAIR_DISTANCE_MM
    for i in range(skip, len(a)):
        for k in range(len(b)):
            if (a[i, 0] - b[k, 0]) ** 2 + (a[i, 1] - b[k, 1]) ** 2 < limit * limit:
                if same_kind or not _steep_crossing_near(a, b, i):
                    return i
                break
    return -1


def _undulation(rng: np.random.Generator, tortuosity: float) -> FloatArray:
    """Sum of three sinusoids of wavelength 1.6-5 mm, zero at the disc; mm."""
    s = np.arange(MAX_STEPS + 1) * STEP_MM
    wavelength = rng.uniform(1.6, 5.0, 3)
    weight, phase = rng.standard_normal(3), rng.uniform(0, 2 * np.pi, 3)
    waves = weight[:, None] * np.sin(2 * np.pi * s / wavelength[:, None] + phase[:, None])
    return 0.032 * tortuosity * waves.sum(0) * np.minimum(1, s / 1.0)


def _main_trunks(frame: Frame, tortuosity: float, rng: np.random.Generator) -> list[Trunk]:
    """A temporal and a nasal pair on each side; on one side the inner vessels of both pairs are of one kind."""
    trunks = []
    for hemisphere in (0, 1):
        inner = int(rng.integers(2))  # kind that lies nasally in the temporal pair and temporally in the nasal pair
        trunks += _temporal_pair(frame, hemisphere, inner, tortuosity, rng)
        trunks += _nasal_pair(frame, hemisphere, inner, tortuosity, rng)
    return trunks


def _root(frame: Frame, kind: int, angle_deg: float, rng: np.random.Generator) -> tuple[float, float]:
    """Where a trunk surfaces, (u, v): spread over the cup and its rim, veins nearer the middle of the disc."""
    angle = math.radians(angle_deg + float(np.clip(rng.normal(0, 2), -4, 4)))
    share, least = (0.52, 0.47) if kind == ARTERY else (0.38, 0.34)
    r = max(frame.disc * share * rng.uniform(0.95, 1.05), least)
    return r * math.cos(angle), r * math.sin(angle)


def _temporal_pair(
    frame: Frame, hemisphere: int, outer: int, tortuosity: float, rng: np.random.Generator
) -> list[Trunk]:
    """Artery and vein of one arcade; ``outer`` is the kind that starts outside (nasally on the disc)."""
    side = 1.0 - 2.0 * hemisphere
    height = frame.arcade * math.exp(float(np.clip(rng.normal(0, 0.10), -0.2, 0.2)))
    s = np.arange(MAX_STEPS + 1) * STEP_MM
    flips = np.ones_like(s)
    for _ in range(min(int(rng.poisson(0.8)), 2)):
        flips *= np.where(s > rng.uniform(1.0, 6.5), -1.0, 1.0)
    far, ramp = rng.uniform(0.24, 0.85), rng.uniform(3.0, 6.0)
    separation = 0.20 + (far - 0.20) * np.minimum(1, s / ramp)
    trunks = []
    for kind in (ARTERY, VEIN):
        sign = 1.0 if kind == outer else -1.0
        offset = sign * flips * separation + _undulation(rng, tortuosity)
        start = _root(frame, kind, side * (77 + 22 * sign), rng)
        course = Course(start, side * math.radians(86 + 8 * sign), side * height, 0.0, 0.0, offset)
        path = trace(frame, course)
        trunks.append(Trunk(path[: int(rng.uniform(5.0, 10.5) / STEP_MM)], kind, hemisphere))
    return trunks


def _nasal_pair(frame: Frame, hemisphere: int, inner: int, tortuosity: float, rng: np.random.Generator) -> list[Trunk]:
    """Artery and vein to one nasal quadrant; ``inner`` is the kind that starts temporally on the disc."""
    side = 1.0 - 2.0 * hemisphere
    middle = rng.uniform(130, 150)
    trunks = []
    for kind in (ARTERY, VEIN):
        sign = -1.0 if kind == inner else 1.0
        spread = rng.uniform(11, 18)
        ray = side * math.radians(middle + sign * spread)
        course = Course(
            _root(frame, kind, side * (147 + 16 * sign), rng),
            ray,
            0.0,
            ray,
            side * math.radians(float(np.clip(rng.normal(0, 3), -6, 6))),
            _undulation(rng, tortuosity),
        )
        trunks.append(Trunk(trace(frame, course), kind, 2 + hemisphere))
    return trunks


def _heading_at(frame: Frame, path: FloatArray, step: int) -> float:
    """Direction of a path at a point, angle in the disc frame."""
    d = path[min(step + 1, len(path) - 1)] - path[max(step - 1, 0)]
    return math.atan2(-d[0] * frame.t_y + d[1] * frame.t_x, d[0] * frame.t_x + d[1] * frame.t_y)


def _branch(
    frame: Frame, trunk: Trunk, index: int, distance_mm: float, turn_deg: float, **course: float
) -> Trunk | None:
    """A division of a trunk at some distance from its start; None where the trunk is too short."""
    step = int(distance_mm / STEP_MM)
    if step >= len(trunk.path_mm):
        return None
    point = trunk.path_mm[step]
    dx, dy = point[0] - frame.disc_x, point[1] - frame.disc_y
    start = (dx * frame.t_x + dy * frame.t_y, -dx * frame.t_y + dy * frame.t_x)
    heading = _heading_at(frame, trunk.path_mm, step) + math.radians(turn_deg)
    drift = math.radians(course.get("drift_deg", 0.0))
    path = trace(
        frame,
        Course(
            start, heading, course.get("height_mm", 0.0), heading - drift, course.get("bend", 0.0), np.zeros(MAX_STEPS)
        ),
    )
    return Trunk(path, trunk.kind, trunk.quadrant, 1, index, step)


def _branches(frame: Frame, trunk: Trunk, index: int, rng: np.random.Generator) -> list[Trunk]:
    """Divisions of one trunk: outwards and towards the macula in an arcade, to either side nasally."""
    side = 1.0 if trunk.quadrant % 2 == 0 else -1.0
    out: list[Trunk | None] = []
    first = frame.disc * 0.6 + rng.uniform(0.3, 2.0)
    if trunk.quadrant < 2:
        for distance in (first, first + rng.uniform(1.2, 2.6), first + rng.uniform(3.0, 4.5)):
            turn, bend = rng.uniform(34, 52), math.radians(rng.uniform(1.0, 7.0))
            if rng.random() < 0.8:
                out.append(_branch(frame, trunk, index, distance, side * turn, bend=-side * bend, drift_deg=side * 12))
        distance, height = frame.disc * 0.6 + rng.uniform(0.5, 1.8), frame.arcade * rng.uniform(0.45, 0.66)
        if rng.random() < 0.5:
            out.append(_branch(frame, trunk, index, distance, -side * rng.uniform(30, 45), height_mm=side * height))
        out += _fork(frame, trunk, index, rng)
    else:
        distance = frame.disc * 0.5 + rng.uniform(0.3, 1.3)
        turn = rng.uniform(30, 45) * (1.0 if rng.random() < 0.5 else -1.0)
        out.append(_branch(frame, trunk, index, distance, turn, drift_deg=math.copysign(10, turn)))
        turn = -math.copysign(rng.uniform(30, 45), turn)
        out.append(
            _branch(frame, trunk, index, distance + rng.uniform(0.6, 1.4), turn, drift_deg=math.copysign(10, turn))
        )
    return [branch for branch in out if branch is not None]


def _fork(frame: Frame, trunk: Trunk, index: int, rng: np.random.Generator) -> list[Trunk | None]:
    """The division in which a temporal trunk ends: one daughter rounds the macula, one leaves it."""
    side = 1.0 if trunk.quadrant % 2 == 0 else -1.0
    end = (len(trunk.path_mm) - 1) * STEP_MM + 1e-6
    inner, outer, bend = rng.uniform(26, 44), rng.uniform(20, 40), math.radians(rng.uniform(2.0, 9.0))
    return [
        _branch(frame, trunk, index, end, -side * inner, bend=-side * bend * 0.8, drift_deg=-side * 14),
        _branch(frame, trunk, index, end, side * outer, bend=-side * bend, drift_deg=side * 14),
    ]


def _rim_vessels(frame: Frame, rng: np.random.Generator) -> list[Trunk]:
    """Two to five fine vessels from the temporal rim of the disc towards the fovea, the kinds in turn."""
    angles = np.array([-50.0, -29.0, -10.0, 10.0, 29.0, 50.0]) + rng.uniform(-4, 4, 6)
    first = int(rng.integers(2))
    out = []
    for number, angle_deg in enumerate(angles):
        present, reach = rng.random() < 0.6, rng.uniform(0.45, 0.80)
        if not present:
            continue
        angle, r = math.radians(angle_deg), frame.disc * rng.uniform(0.72, 0.84)
        height = math.copysign(0.35 + 1.1 * abs(angle_deg) / 50, angle_deg)
        course = Course(
            (r * math.cos(angle), r * math.sin(angle)),
            0.7 * angle,
            height,
            0.0,
            0.0,
            _undulation(rng, 0.7),
            reach * frame.dfd,
        )
        out.append(Trunk(trace(frame, course), (first + number) % 2, 0 if angle_deg > 0 else 1, 2))
    return out
