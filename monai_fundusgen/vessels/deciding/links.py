"""Which arms of a place belong together: straight on, alike in width, or sprung from one another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from monai_fundusgen.vessels.deciding.stretches import Arm, Undecided

_STRAIGHT_DEG: Final = 30.0  # standard deviation of the turn of a vessel that goes on
_THROUGH_DEG: Final = 50.0  # largest turn of one that passes through a crossing
_LEAST_RATIO: Final = 0.35  # of the widths of two arms of one vessel, at least
_BRANCH: Final = 0.15  # weight of a link between a branch and what it springs from
_WALL: Final = 0.3  # of the end of a stretch at the wall of a vessel that passes by
_SIDE: Final = 0.0005  # of a stretch that passes a wall, and across a crossing


@dataclass(frozen=True)
class Link:
    """Two arms of one place and how strongly they are taken to be of one kind, 0 not at all."""

    first: Arm
    second: Arm
    weight: float
    through: bool


def turn_deg(a: Arm, b: Arm) -> float:
    """How far from straight on the way from one arm into the other is, in degrees: 0 straight, 180 back."""
    return 180.0 - float(np.degrees(np.arccos(np.clip(a.away_rc @ b.away_rc, -1.0, 1.0))))


def _ratio(a: Arm, b: Arm) -> float:
    return min(a.width_px, b.width_px) / max(a.width_px, b.width_px)


def _score(a: Arm, b: Arm) -> float:
    """How well two arms make one vessel, in [0, 1]."""
    return float(np.exp(-((turn_deg(a, b) / _STRAIGHT_DEG) ** 2)) * np.sqrt(_ratio(a, b)))


def _strength(score: float) -> float:
    """Weight of a link that goes on: up to twenty for a vessel that is the same on both sides."""
    return score / (1.05 - score)


def through_pairs(arms: list[Arm]) -> list[tuple[Arm, Arm]]:
    """Pairs of arms that go straight on into each other, best first, each arm once; never of two known kinds."""
    possible = [
        (_score(a, b), i, j)
        for i, a in enumerate(arms)
        for j, b in enumerate(arms[:i])
        if turn_deg(a, b) <= _THROUGH_DEG
        and _ratio(a, b) >= _LEAST_RATIO
        and not (a.kind >= 0 and b.kind >= 0 and a.kind != b.kind)
        and not (a.stretch >= 0 and a.stretch == b.stretch)
    ]
    used: set[int] = set()
    pairs = []
    for _, i, j in sorted(possible, reverse=True):
        if not used & {i, j}:
            used |= {i, j}
            pairs.append((arms[i], arms[j]))
    return pairs


def _wall_weight(a: Arm, b: Arm, ends: int) -> float:
    """Weight of a link with a wall: strong where the stretch ends at it."""
    return 0.0 if a.wall and b.wall else (_WALL if ends == 1 else _SIDE)


def _links_at(arms: list[Arm]) -> list[Link]:
    """Links between the arms of one place."""
    open_arms = [arm for arm in arms if not arm.wall]
    pairs = through_pairs(open_arms) if len(open_arms) >= 4 or _both_kinds(open_arms) else []
    partner = {id(arm): number for number, pair in enumerate(pairs) for arm in pair}
    found = []
    for i, a in enumerate(arms):
        for b in arms[:i]:
            if a.stretch < 0 and b.stretch < 0:
                continue
            pair = partner.get(id(a)), partner.get(id(b))
            through = pair[0] is not None and pair[0] == pair[1]
            crossing = len(pairs) > 1 and None not in pair and not through
            if a.wall or b.wall:
                weight = _wall_weight(a, b, len(open_arms))
            else:
                weight = _SIDE if crossing else _BRANCH + _strength(_score(a, b))
            found.append(Link(a, b, weight, through))
    return found


def _both_kinds(arms: list[Arm]) -> bool:
    return len({arm.kind for arm in arms} - {-1}) == 2


def find_links(undecided: Undecided) -> list[Link]:
    """Links between all arms that share a place, known with known left out."""
    return [link for arms in undecided.arms_at() for link in _links_at(arms)]
