"""Which sampled vessel maps may become samples: the anatomy of a map against the ranges seen in real ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monai_fundusgen.conventions import KINDS

Range = tuple[float, float]


@dataclass(frozen=True)
class AnatomyGate:
    """Ranges that `map_anatomy` of a map must lie in, bounds included; a figure that is NaN lies in none.

    The defaults come from the 24 HRF-AV training maps, brought to 256 px and back by `exact_label` with `PathRepair()`
    and measured at 1024 px (``benchmarks/topology.py --hrf``). Their least and greatest value stands with each. Areas,
    lengths and the calibre ratio get a margin of a fifth on either side, counts of faults one of a half; pieces,
    largest share and disc get the margins that are given.

    Attributes:
        density: share of the field that one kind covers; .0260-.0644 arteries, .0417-.0687 veins.
        length_fd: centre line of one kind in field diameters; 7.95-17.2, 9.73-17.1.
        components: pieces of one kind; 1-4, 1-5, and 8 more.
        largest_share: share of the area in the largest piece; .904-1.00, .933-1.00, and .15 less.
        bifurcations: of one kind; 46-236, 76-234. Annotators draw finer vessels than a network does: half
            the least, a fifth over the greatest.
        crossings: places where vessels of one kind cross; 3-28, 2-37, down to none.
        loops: holes of one kind; 1-66, 0-65, down to none.
        av_crossings: places where the kinds cross; 40-139. Half the least, half over the greatest.
        kind_flips: vessels that change their kind; 0-6.
        avr: artery-to-vein ratio of the central calibres; .339-.820.
        disc_row: where the vessels converge, share of the side; .447-.531, and .1 more.
        disc_column: the same; .207-.830, and .1 more.
    """

    density: Range = (0.021, 0.082)
    length_fd: Range = (6.4, 20.5)
    components: Range = (1, 13)
    largest_share: Range = (0.75, 1)
    bifurcations: Range = (23, 283)
    crossings: Range = (0, 56)
    loops: Range = (0, 99)
    av_crossings: Range = (20, 208)
    kind_flips: Range = (0, 9)
    avr: Range = (0.27, 0.98)
    disc_row: Range = (0.35, 0.63)
    disc_column: Range = (0.1, 0.93)


_PER_KIND = ("density", "length_fd", "components", "largest_share", "bifurcations", "crossings", "loops")
_OF_BOTH = ("av_crossings", "kind_flips", "avr", "disc_row", "disc_column")


def judge(anatomy: Mapping[str, float], gate: AnatomyGate | None = None) -> list[str]:
    """Why a map is no plausible eye; empty where it is one.

    Args:
        anatomy: figures by the names of `metrics.functional.map_anatomy.map_anatomy`.
        gate: the ranges; by default those of real maps.

    Returns:
        One line a reason: the figure's name, its value, the range.

    Raises:
        KeyError: a figure is missing.
    """
    ranges = gate or AnatomyGate()
    names = [(f"{kind}.{figure}", figure) for kind in KINDS for figure in _PER_KIND]
    reasons = []
    for name, figure in [*names, *((figure, figure) for figure in _OF_BOTH)]:
        least, most = getattr(ranges, figure)
        if not least <= anatomy[name] <= most:
            reasons.append(f"{name} {anatomy[name]:.3g} outside {least:g} to {most:g}")
    return reasons
