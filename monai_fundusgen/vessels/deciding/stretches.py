"""Undecided pixels as stretches between places: junctions, ends, and where vessels of known kind come in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.vessels.deciding.contacts import Contacts
from monai_fundusgen.vessels.graph import SegmentGraph

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_MERGE_RADII: Final = 1.3  # a stretch that leaves the larger of its places by less than so many radii of the smaller
_DIRECTION_RADII: Final = 3.0  # directions are taken over this many radii, and at least
_DIRECTION_PX: Final = 5.0


@dataclass
class Place:
    """A junction, an end, or a point where known vessels come in.

    Attributes:
        rc: its middle.
        radius_px: radius of the undecided vessel there.
        inner_rc: points of the short stretches that were merged into it.
    """

    rc: FloatArray
    radius_px: float
    inner_rc: list[FloatArray] = field(default_factory=list)


@dataclass(frozen=True)
class Stretch:
    """An undecided vessel from one place to another.

    Attributes:
        points_rc: (P, 2) its centre line.
        width_px: median width, away from its places where it is long enough.
        places: numbers of the two places.
    """

    points_rc: FloatArray
    width_px: float
    places: tuple[int, int]

    @property
    def length_px(self) -> float:
        """Arc length."""
        return float(np.hypot(*np.diff(self.points_rc, axis=0).T).sum())


@dataclass(frozen=True)
class Arm:
    """What leaves a place: the end of a stretch, or a vessel of known kind.

    Attributes:
        place: number of the place.
        away_rc: (2,) unit vector away from the place.
        width_px: width of the vessel.
        start_rc: (2,) where it leaves.
        stretch: number of the stretch, -1 for a vessel of known kind.
        kind: ARTERY or VEIN of a known vessel, -1 for a stretch.
        wall: a known vessel that passes by; the place lies at its wall.
    """

    place: int
    away_rc: FloatArray
    width_px: float
    start_rc: FloatArray
    stretch: int = -1
    kind: int = -1
    wall: bool = False


@dataclass
class Undecided:
    """All undecided vessels of a label: places, stretches between them, arms that leave the places."""

    places: list[Place]
    stretches: list[Stretch]
    arms: list[Arm]

    def arms_at(self) -> list[list[Arm]]:
        """Arms of every place."""
        found: list[list[Arm]] = [[] for _ in self.places]
        for arm in self.arms:
            found[arm.place].append(arm)
        return found


def _nearest_place(places: list[Place], rc: FloatArray, slack_px: float) -> int:
    """The nearest place that reaches as far as a point, or -1."""
    middles = np.array([place.rc for place in places])
    reach = np.array([place.radius_px for place in places])
    gap = np.hypot(*(middles - rc).T) - 1.5 * reach
    best = int(np.argmin(gap)) if len(gap) else -1
    return best if best >= 0 and gap[best] <= slack_px else -1


def _attached(
    graph: SegmentGraph, contacts: Contacts
) -> tuple[list[Place], list[int], dict[int, list[tuple[int, int]]]]:
    """Places, the place of each contact, and the cuts (point, place) that contacts make in each segment."""
    places = [Place(rc, float(radius)) for rc, radius in zip(graph.node_rc, graph.node_radius_px, strict=True)]
    segment_of = np.repeat(np.arange(graph.num_segments), np.diff(graph.offsets))
    of_contact: list[int] = []
    cuts: dict[int, list[tuple[int, int]]] = {}
    for rc, width in zip(contacts.rc, contacts.width_px, strict=True):
        gap = np.hypot(*(graph.points_rc - rc).T) if len(graph.points_rc) else np.array([np.inf])
        point = int(np.argmin(gap))
        place = _nearest_place(places, rc, 2.0)
        if place < 0 and not np.isfinite(gap[point]):
            place = int(np.argmin([np.hypot(*(one.rc - rc)) for one in places]))
        if place < 0:
            place = len(places)
            places.append(Place(graph.points_rc[point], max(float(graph.width_px[point]), width) / 2))
            cuts.setdefault(int(segment_of[point]), []).append((point, place))
        of_contact.append(place)
    return places, of_contact, cuts


def _cut(graph: SegmentGraph, cuts: dict[int, list[tuple[int, int]]], places: list[Place]) -> list[Stretch]:
    """Stretches: the segments of the graph, cut where contacts came to lie between their ends."""
    found = []
    for s in range(graph.num_segments):
        low, high = int(graph.offsets[s]), int(graph.offsets[s + 1]) - 1
        first, last = (int(node) for node in graph.segment_nodes[s])
        if first < 0:  # a ring begins and ends at a place of its own
            first = last = len(places)
            places.append(Place(graph.points_rc[low], float(graph.width_px[low]) / 2))
        marks = [(low, first), *sorted(cuts.get(s, [])), (high, last)]
        for (start, a), (stop, b) in zip(marks[:-1], marks[1:], strict=True):
            if stop > start:
                clear = graph.clear[start : stop + 1]
                width = graph.width_px[start : stop + 1]
                middle = float(np.median(width[clear] if clear.any() else width))
                found.append(Stretch(graph.points_rc[start : stop + 1], max(middle, 1.0), (a, b)))
    return found


def _merged(
    places: list[Place], stretches: list[Stretch], of_contact: list[int]
) -> tuple[list[Place], list[Stretch], list[int]]:
    """Places joined by short stretches made one; a short twig that ends freely stays a stretch."""
    arms = np.bincount([p for one in stretches for p in one.places] + of_contact, minlength=len(places))
    root = list(range(len(places)))

    def find(place: int) -> int:
        while root[place] != place:
            place = root[place]
        return place

    short = []
    for one in stretches:
        a, b = one.places
        small, large = sorted((places[a].radius_px, places[b].radius_px))
        share = _MERGE_RADII if min(arms[a], arms[b]) >= 3 else _MERGE_RADII / 2
        short.append(one.length_px <= large + share * small + 2 and min(arms[a], arms[b]) >= 2)
        if short[-1]:
            root[find(a)] = find(b)
    group = [find(place) for place in range(len(places))]
    number = {old: new for new, old in enumerate(sorted(set(group)))}
    joined = [_joined([place for place, g in zip(places, group, strict=True) if g == old]) for old in number]
    kept = []
    for one, inner in zip(stretches, short, strict=True):
        a, b = (number[group[p]] for p in one.places)
        if inner:
            joined[a].inner_rc.append(one.points_rc)
        else:
            kept.append(Stretch(one.points_rc, one.width_px, (a, b)))
    return joined, kept, [number[group[p]] for p in of_contact]


def _joined(places: list[Place]) -> Place:
    """One place in the middle of several, which reaches round them all."""
    middle = np.mean([place.rc for place in places], axis=0)
    reach = max(float(np.hypot(*(place.rc - middle))) + place.radius_px for place in places)
    return Place(middle, reach, [rc for place in places for rc in place.inner_rc])


def _end(stretch: Stretch, number: int, place: Place, index: int) -> Arm:
    """Arm of one end of a stretch: its direction just outside the place."""
    points = stretch.points_rc if index == 0 else stretch.points_rc[::-1]
    distance = np.hypot(*(points - place.rc).T)
    outside = np.flatnonzero(distance >= place.radius_px)
    first = min(int(outside[0]) if len(outside) else 0, len(points) - 1)
    reach = distance[first] + max(_DIRECTION_PX, _DIRECTION_RADII * stretch.width_px / 2)
    beyond = np.flatnonzero(distance[first:] >= reach)
    last = first + int(beyond[0]) if len(beyond) else len(points) - 1
    along = points[last] - points[first if last - first >= 2 else 0]
    size = float(np.hypot(*along))
    return Arm(stretch.places[index], along / size if size else along, stretch.width_px, points[first], number)


def crossing_place(middle_rc: FloatArray, radius_px: float, contacts: Contacts) -> Undecided:
    """A compact piece between vessels of both kinds: one place, which all of them go through.

    Args:
        middle_rc: (2,) middle of the piece.
        radius_px: of its largest inscribed circle.
        contacts: where vessels of known kind touch it.
    """
    away = contacts.rc - middle_rc
    away /= np.maximum(np.hypot(*away.T), 1e-9)[:, None]
    known = zip(away, contacts.width_px, contacts.rc, contacts.kind, strict=True)
    arms = [Arm(0, course, float(width), rc, kind=int(kind)) for course, width, rc, kind in known]
    return Undecided([Place(middle_rc, radius_px)], [], arms)


def undecided_vessels(graph: SegmentGraph, contacts: Contacts) -> Undecided:
    """Places, stretches and arms of undecided pixels.

    Args:
        graph: centre lines of the undecided pixels.
        contacts: where vessels of known kind touch them.
    """
    places, of_contact, cuts = _attached(graph, contacts)
    stretches = _cut(graph, cuts, places)
    places, stretches, of_contact = _merged(places, stretches, of_contact)
    arms = [
        _end(stretch, number, places[stretch.places[index]], index)
        for number, stretch in enumerate(stretches)
        for index in (0, 1)
    ]
    for i, place in enumerate(of_contact):
        arms.append(
            Arm(
                place,
                contacts.course_rc[i],
                float(contacts.width_px[i]),
                contacts.rc[i],
                kind=int(contacts.kind[i]),
                wall=not contacts.ends[i],
            )
        )
    return Undecided(places, stretches, arms)
