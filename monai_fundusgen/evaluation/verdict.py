"""What a report comes to, in plain words: what would give the synthetic eyes away, what would not, and who is safe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from monai_fundusgen.evaluation.fidelity import OTHER, SYNTHETIC, FigureComparison
from monai_fundusgen.evaluation.wording import title_of

#: A figure gives an eye away where its distribution functions differ by more than this, floor and interval aside.
_TELLING: Final = 0.5


@dataclass(frozen=True)
class Verdict:
    """Sentences on top of a report.

    Attributes:
        gives_away: names of figures that tell synthetic eyes from real ones, the plainest first.
        as_real: names of figures that tell them no better than one real sample from another.
        between: the rest: more than chance, less than plain.
        sentences: what to read first: how the sample differs from real eyes.
        copies: what was found of copies.
        warnings: what a reader must know before quoting a figure.
    """

    gives_away: list[str]
    as_real: list[str]
    between: list[str]
    sentences: list[str]
    copies: list[str]
    warnings: list[str]


def verdict(
    figures: Mapping[str, FigureComparison],
    features: Mapping[str, Any],
    privacy: Mapping[str, Any] | None,
    counts: Mapping[str, int],
) -> Verdict:
    """Sort the figures, and say what the sections say.

    Args:
        figures: all compared figures by their full name.
        features: `fidelity.feature_distances` of the main extractor.
        privacy: the report's section, or None where nothing was compared with training eyes.
        counts: eyes of each sample.
    """
    sorted_ = sorted(figures, key=lambda name: -figures[name].kolmogorov[SYNTHETIC].value)
    groups: dict[str, list[str]] = {"gives_away": [], "as_real": [], "between": []}
    for name in sorted_:
        groups[_group(figures[name])].append(name)
    away = groups["gives_away"]
    sentences = [_away(away), _real(groups["as_real"], len(figures)), _distance(features)]
    return Verdict(
        **groups,
        sentences=[one for one in sentences if one],
        copies=_privacy(privacy),
        warnings=_warnings(counts, features, privacy),
    )


def _group(found: FigureComparison) -> str:
    """By the difference of the distribution functions, its interval, and the floor."""
    mine = found.kolmogorov[SYNTHETIC]
    floor = found.kolmogorov.get(OTHER)
    ceiling = max(_TELLING, floor.high) if floor is not None else _TELLING
    if mine.low > ceiling:
        return "gives_away"
    limit = floor.high if floor is not None else _chance(found.counts["real"], found.counts[SYNTHETIC])
    return "as_real" if mine.value <= limit else "between"


def _chance(n: int, m: int) -> float:
    """The difference that two samples of one distribution exceed once in twenty (Smirnov 1948)."""
    return float(1.36 * ((n + m) / (n * m)) ** 0.5)


def _away(names: list[str]) -> str:
    if not names:
        return "No single figure gives the synthetic eyes away plainly."
    listed = ", ".join(title_of(name) for name in names[:6])
    more = f", and {len(names) - 6} more" if len(names) > 6 else ""
    return f"What would give the synthetic eyes away: {listed}{more}."


def _real(names: list[str], total: int) -> str:
    listed = ", ".join(title_of(name) for name in names[:6])
    told = f", among them {listed}" if names else ""
    return f"{len(names)} of {total} figures differ from real eyes no more than chance or other real eyes do{told}."


def _distance(features: Mapping[str, Any]) -> str:
    found = features["to_real"].get(SYNTHETIC)
    if found is None:
        return ""
    floor = features["to_real"].get(OTHER)
    mine = found["matched"]["frechet"]
    if floor is None:
        return f"By its features the synthetic sample lies at a Frechet distance of {mine:.3g} from the real one."
    ratio = mine / floor["matched"]["frechet"]
    return (
        f"By its features the synthetic sample lies {ratio:.1f} times as far from the real one as another real sample "
        f"does (Frechet distance {mine:.3g} against {floor['matched']['frechet']:.3g}, {features['matched_n']} eyes "
        "each)."
    )


def _privacy(privacy: Mapping[str, Any] | None) -> list[str]:
    if not privacy or not privacy.get("maps"):
        return ["Whether anything is copied was not looked at: no training eyes were given."]
    told = []
    for name, what in (("map", "maps"), ("patch", "parts of maps")):
        found = privacy["maps"][name]
        if found["flagged"] is None:
            told.append(f"Too few training maps to say which {what} would be copies.")
            continue
        n, total = found["flagged"][SYNTHETIC], privacy["maps"]["searched"]
        expected = privacy["maps"]["false_alarms"] * total
        told.append(
            f"{n} of {total} {what} are more like a training map than an eye that is no copy would be "
            f"(about {expected:.1f} expected by chance)."
        )
    preference = privacy["maps"]["preference"]
    if preference is None:
        return [*told, "Too few training or held-out maps to say whether maps lean towards the training maps."]
    for name, what in (("map", "maps"), ("patch", "parts of maps")):
        one = preference[name]
        lean = "no more" if one["difference"] <= one["high"] else "more"
        told.append(
            f"On the whole {what} are {lean} like training maps than like as many that were held out (Dice "
            f"{one['difference']:+.4f}; by chance {one['low']:+.4f} to {one['high']:+.4f})."
        )
    return told


def _warnings(counts: Mapping[str, int], features: Mapping[str, Any], privacy: Mapping[str, Any] | None) -> list[str]:
    warnings = []
    small = [f"{name.replace('_', ' ')} {count}" for name, count in counts.items() if 0 < count < 50]
    if small:
        warnings.append(f"Small samples ({', '.join(small)}): read intervals, not values; a Frechet distance compares "
                        "only with others of as many eyes.")  # fmt: skip
    if OTHER not in features["to_real"]:
        warnings.append("There is no second real sample, so no floor at the full number; halves of the real one serve.")
    if privacy and privacy.get("maps"):
        warnings.append("No search proves that nothing was copied, and a low likeness is no promise of anonymity.")
    return warnings
