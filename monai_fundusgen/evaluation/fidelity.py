"""How far generated eyes lie from real ones: of features and of single figures, with interval and floor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.evaluation.measurements import Measurements, places_of
from monai_fundusgen.metrics.functional.distribution import (
    Interval,
    bootstrap_interval,
    frechet_distance,
    frechet_infinity,
    gaussian_mmd,
    kernel_distance_error,
    kolmogorov_smirnov,
    matched_distances,
    median_distance,
    neighbour_figures,
    wasserstein_1,
)
from monai_fundusgen.metrics.functional.gaussian import frechet_between, gaussian_of
from monai_fundusgen.streams import stream

FloatArray = NDArray[np.float64]
Rows = Mapping[str, NDArray[np.floating]]

#: Key of the real eyes that the others are compared with, and of other real ones: the floor.
REAL, OTHER, SYNTHETIC, PHANTOM = "real", "other_real", "synthetic", "phantom"

#: Eyes of a sample, evenly over all, that distances with pairs of rows, and intervals, are taken of.
MOST_ROWS: Final = 2000

_ROUNDS: Final = 200  # bootstrap samples
_NEIGHBOURS: Final = 5
_FEWEST_FOR_INFINITY: Final = 20
_QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)


def feature_distances(samples: Mapping[str, Measurements], column: str, seed: int) -> dict[str, Any]:
    """Distances of every sample to the real one, in the features of one column.

    ``matched`` compares as many rows of each as the smallest sample has, so its values compare with one another; what a
    second real sample gives is the floor. Without one the floor is that of two halves of the real sample, and is larger
    than at the full number.

    Args:
        samples: measurements by the keys `REAL`, `OTHER`, `SYNTHETIC`, `PHANTOM`; the first is needed.
        column: ``features`` or ``control``.
        seed: of subsets and bootstrap.

    Returns:
        ``n`` and ``matched_n``, and ``to_real``: for each sample ``n``, ``matched`` (``frechet``, ``frechet_sd``,
        ``kernel``, ``kernel_sd``), ``frechet`` (interval), ``frechet_infinity``, ``kernel``, ``kernel_error``,
        ``gaussian_mmd``, and ``precision``, ``recall``, ``density``, ``coverage``.
    """
    rows = {name: one.column(column, MOST_ROWS) for name, one in samples.items()}
    rows = {name: one for name, one in rows.items() if len(one) >= 2 or name == REAL}
    real = rows.pop(REAL)
    size = min(len(one) for one in (real, *rows.values()))
    sigma = median_distance(real, real) or 1.0
    found = {name: _to_real(real, one, size, sigma, seed) for name, one in rows.items()}
    if len(samples[SYNTHETIC]) > MOST_ROWS:
        found[SYNTHETIC]["frechet"]["value"] = _frechet_of_all(samples[REAL], samples[SYNTHETIC], column)
    return {
        "n": len(real),
        "matched_n": size,
        "sigma": sigma,
        "halves": _halves(real, seed) if OTHER not in rows else None,
        "to_real": found,
    }


def _to_real(real: NDArray[Any], rows: NDArray[Any], size: int, sigma: float, seed: int) -> dict[str, Any]:
    rng = stream(seed, "resampling")
    matched = _matched(real, rows, size, seed)
    interval = bootstrap_interval(frechet_distance, real, rows, rng=rng, rounds=_rounds(real, rows), centred=True)
    value, error = kernel_distance_error(real, rows) if min(len(real), len(rows)) > 2 else (np.nan, np.nan)
    k = min(_NEIGHBOURS, len(real) - 1, len(rows) - 1)
    infinity = None
    if len(rows) >= _FEWEST_FOR_INFINITY:
        sizes = sorted({round(len(rows) * share) for share in (0.4, 0.55, 0.7, 0.85, 1.0)})
        infinity = frechet_infinity(real, rows, sizes=sizes, rng=rng)[0]
    return {
        "n": len(rows),
        "matched": matched,
        "frechet": asdict(interval),
        "frechet_infinity": infinity,
        "kernel": value,
        "kernel_error": error,
        "gaussian_mmd": gaussian_mmd(real, rows, sigma=sigma),
        "neighbours": k,
        **asdict(neighbour_figures(real, rows, k=k)),
    }


def _rounds(*samples: NDArray[Any]) -> int:
    """Fewer bootstrap samples of large ones: each costs a decomposition."""
    return _ROUNDS if max(map(len, samples)) <= 500 else 40


def _matched(real: NDArray[Any], rows: NDArray[Any], size: int, seed: int) -> dict[str, float]:
    found = matched_distances(real, rows, size=size, seed=seed)
    return {
        "frechet": found["fid"], "frechet_sd": found["fid_std"], "kernel": found["kid"], "kernel_sd": found["kid_std"],
    }  # fmt: skip


def _halves(real: NDArray[Any], seed: int) -> dict[str, float] | None:
    """Distances of two halves of the real sample: mean over random halves."""
    half = len(real) // 2
    if half < 2:
        return None
    rng = stream(seed, "resampling")
    rows = []
    for _ in range(20):
        order = rng.permutation(len(real))
        rows.append(_matched(real[order[:half]], real[order[half : 2 * half]], half, seed))
    return {"n": half, **{name: float(np.mean([row[name] for row in rows])) for name in rows[0]}}


def _frechet_of_all(real: Measurements, other: Measurements, column: str) -> float:
    """Of every row, part by part."""
    gaussians = []
    for sample in (real, other):
        parts = [gaussian_of(part[column]) for part in sample.parts()]
        joined = parts[0]
        for part in parts[1:]:
            joined = joined.joined(part)
        gaussians.append(joined)
    return frechet_between(*gaussians)


@dataclass(frozen=True)
class FigureComparison:
    """One figure of real and generated eyes.

    Attributes:
        quantiles: 5, 25, 50, 75 and 95 % of each sample by name.
        counts: eyes of each sample that have the figure.
        wasserstein: earth mover's distance of each sample to the real one, in the unit of the figure, with interval.
        kolmogorov: largest difference of the distribution functions, with interval.
    """

    quantiles: dict[str, list[float]]
    counts: dict[str, int]
    wasserstein: dict[str, Interval]
    kolmogorov: dict[str, Interval]

    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)


def compare_figures(samples: Mapping[str, Measurements], prefix: str, seed: int) -> dict[str, FigureComparison]:
    """Every figure of a group that the real eyes and the synthetic ones have; each value of every eye counts once.

    Args:
        samples: as in `feature_distances`.
        prefix: group of the figures.
        seed: of the bootstrap.
    """
    tables = {name: one.figures(prefix) for name, one in samples.items()}
    found = {}
    for figure in tables[SYNTHETIC]:
        rows = {name: _finite(table.get(figure)) for name, table in tables.items()}
        if len(rows.get(REAL, ())) >= 2 and len(rows[SYNTHETIC]) >= 2:
            found[figure] = _comparison({name: one for name, one in rows.items() if len(one) >= 2}, seed)
    return found


def _finite(values: FloatArray | None) -> FloatArray:
    return np.zeros(0) if values is None else values[np.isfinite(values)]


def _comparison(rows: Rows, seed: int) -> FigureComparison:
    real = rows[REAL]
    others = {name: one[places_of(len(one), MOST_ROWS)] for name, one in rows.items() if name != REAL}

    def intervals(statistic: Callable[[FloatArray, FloatArray], float]) -> dict[str, Interval]:
        rng = stream(seed, "resampling")
        return {
            name: _not_below_zero(bootstrap_interval(statistic, real, one, rng=rng, rounds=_ROUNDS, centred=True))
            for name, one in others.items()
        }

    return FigureComparison(
        quantiles={name: np.quantile(one, _QUANTILES).tolist() for name, one in rows.items()},
        counts={name: len(one) for name, one in rows.items()},
        wasserstein=intervals(wasserstein_1),
        kolmogorov=intervals(kolmogorov_smirnov),
    )


def _not_below_zero(found: Interval) -> Interval:
    return Interval(found.value, max(found.low, 0.0), max(found.high, 0.0))
