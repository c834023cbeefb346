"""Is a generated sample made of copies? Distances to training and to held-out records, and what is normal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from monai_fundusgen.metrics.functional.distribution import Interval, bootstrap_interval

FloatArray = NDArray[np.float64]
_BLOCK = 1024  # rows whose distances are held at a time


def nearest_rows(x: NDArray[np.floating], gallery: NDArray[np.floating], *, own: bool = False) -> tuple[
    NDArray[np.int64], FloatArray
]:  # fmt: skip
    """Place and Euclidean distance of the nearest gallery row of each row.

    Args:
        x: (N, D).
        gallery: (M, D), M >= 1, or >= 2 with ``own``.
        own: ``x`` is the gallery itself, and no row is its own neighbour.

    Raises:
        ValueError: shapes do not fit, or there is no row to compare with.
    """
    if x.ndim != 2 or gallery.ndim != 2 or x.shape[1] != gallery.shape[1] or len(gallery) < 1 + own:
        raise ValueError(
            f"nearest_rows: found {x.shape} and a gallery {gallery.shape}, expected (N, D) and (M, D), M >= {1 + own}"
        )
    rows, other = x.astype(np.float64), gallery.astype(np.float64)
    places, distances = np.empty(len(rows), dtype=np.int64), np.empty(len(rows))
    for start in range(0, len(rows), _BLOCK):
        part = rows[start : start + _BLOCK]
        squares = (part**2).sum(1)[:, None] + (other**2).sum(1)[None] - 2 * part @ other.T
        if own:
            squares[np.arange(len(part)), start + np.arange(len(part))] = np.inf
        nearest = squares.argmin(axis=1)
        places[start : start + _BLOCK] = nearest
        distances[start : start + _BLOCK] = np.linalg.norm(part - other[nearest], axis=1)
    return places, distances


@dataclass(frozen=True)
class RecordDistances:
    """What distances to the closest records say of a generated sample.

    Attributes:
        closer_to_training: share of generated rows that lie nearer to a training than to a held-out record, with as
            many of either; one half where nothing was learnt by heart.
        ratio: median distance to the closest training over that to the closest held-out record; 1 at best.
        authenticity: share of generated rows that lie farther from their closest training record than that record lies
            from the other training records.
        records: how many records of either sort are compared.
    """

    closer_to_training: Interval
    ratio: Interval
    authenticity: float
    records: int


def record_distances(
    generated: NDArray[np.floating],
    training: NDArray[np.floating],
    held_out: NDArray[np.floating],
    *,
    rng: np.random.Generator,
    draws: int = 20,
    rounds: int = 200,
) -> RecordDistances:
    """Distances of generated rows (N, D) to training (M, D) and held-out records (K, D).

    Of the larger set of records random subsets as large as the smaller one are drawn, and distances averaged over them:
    more records lie nearer by chance.

    Raises:
        ValueError: fewer than 2 training records, or no held-out or generated one.

    Source: Alaa et al. 2022 (arXiv:2102.08921) for authenticity.
    """
    records = min(len(training), len(held_out))
    if len(training) < 2 or not records or not len(generated):
        raise ValueError(
            f"record_distances: found {len(generated)} generated, {len(training)} training and {len(held_out)} "
            "held-out rows, expected at least 1, 2 and 1"
        )
    near = np.zeros((draws, 2, len(generated)))
    for draw in range(draws):
        for side, rows in enumerate((training, held_out)):
            subset = rows[rng.choice(len(rows), records, replace=False)]
            near[draw, side] = nearest_rows(generated, subset)[1]
    closer = ((near[:, 0] < near[:, 1]) + 0.5 * (near[:, 0] == near[:, 1])).mean(axis=0)
    pairs = near.mean(axis=0).T
    place, distance = nearest_rows(generated, training)
    among = nearest_rows(training, training, own=True)[1]
    share = bootstrap_interval(lambda a, _: float(a.mean()), closer, closer[:1], rng=rng, rounds=rounds)
    ratio = bootstrap_interval(_median_ratio, pairs, pairs[:1], rng=rng, rounds=rounds)
    return RecordDistances(share, ratio, float((distance > among[place]).mean()), records)


#: Fewest ways to choose the training records among all: with fewer, the true choice is itself within 95 % by chance.
FEWEST_CHOICES: Final = 41
_ROUNDING: Final = 1e-12


@dataclass(frozen=True)
class RecordPreference:
    """Is a generated sample more like the records that a model saw than like others of the same sort?

    It tells how the sample leans as a whole: a copy among hundreds vanishes in the mean, and is found by its own
    likeness (`likeness_bound`).

    Attributes:
        difference: likeness to the most alike training record less that to the most alike held-out one, of as many
            records each, mean over generated rows; 0 is expected where nothing was learnt by heart.
        low, high: 95 % of the differences lie between them if chance says which records are the training ones.
        p_value: probability that chance gives a difference at least as large.
        closer_to_training: share of generated rows whose most alike record is a training one; one half by chance.
        records: how many records of either sort are compared.
    """

    difference: float
    low: float
    high: float
    p_value: float
    closer_to_training: float
    records: int


def record_preference(
    likeness: NDArray[np.floating], training: NDArray[np.bool_], *, rng: np.random.Generator, rounds: int = 2000
) -> RecordPreference:
    """Likeness of generated rows to records that were trained on, beside that to records that were not.

    A likeness to training records says little by itself: rows that are typical of their kind are alike to all. Here
    both sorts are asked, by as many records: of the larger sort the expectation over all subsets of the smaller one's
    size is taken. Which records were trained on is then chosen anew, in all ways or ``rounds`` times: how differences
    spread by chance, the choice of the records included. It holds if training and held-out records are of one sort (the
    same cameras, diseases and labels) and no person is in both.

    Args:
        likeness: (N, R) of generated row and record, larger is more alike.
        training: (R,) whether a record was trained on.
        rng: random numbers of the draws.
        rounds: number of draws.

    Raises:
        ValueError: shapes do not fit, no row, or too few records, see `enough_records`.

    Source: Platzer & Reutterer 2021 (arXiv:2104.00635), who compare shares of closest records with a holdout of the
    same size; here with all subsets and a permutation test.
    """
    values, seen = np.asarray(likeness, dtype=np.float64), np.asarray(training, dtype=bool)
    counts = int(seen.sum()), int((~seen).sum())
    if values.ndim != 2 or seen.shape != values.shape[1:] or not len(values) or not enough_records(*counts):
        raise ValueError(
            f"record_preference: found likeness of shape {values.shape} and {counts[0]} training ones of {seen.size} "
            f"records, expected (N, R) with N >= 1, and enough records of either sort for {FEWEST_CHOICES} choices "
            "(4 and 4, or 8 and 2)"
        )
    records = min(counts)
    order = np.argsort(values, axis=1)
    ranked = np.take_along_axis(values, order, axis=1)
    weights = {count: _weights_of_largest(count, records) for count in counts}
    difference = _difference(ranked, seen[order], weights)
    chance = np.array([_difference(ranked, one[order], weights) for one in _choices(seen, rounds, rng)])
    low, high = (float(one) for one in np.quantile(chance, (0.025, 0.975)))
    if seen.sum() > records:
        closer = _share_won(values[:, seen], values[:, ~seen])
    else:
        closer = 1 - _share_won(values[:, ~seen], values[:, seen])
    as_large = int((chance >= difference - _ROUNDING).sum())
    p_value = as_large / len(chance) if len(chance) < rounds else (1 + as_large) / (1 + rounds)
    return RecordPreference(difference, low, high, p_value, closer, records)


def enough_records(training: int, held_out: int) -> bool:
    """Whether so many records of either sort can be told from chance: see `FEWEST_CHOICES`."""
    return min(training, held_out) >= 2 and comb(training + held_out, training) >= FEWEST_CHOICES


def _choices(seen: NDArray[np.bool_], rounds: int, rng: np.random.Generator) -> Iterator[NDArray[np.bool_]]:
    """Choices of as many training records, (R,) each: all there are, or ``rounds`` draws if there are more."""
    if comb(seen.size, int(seen.sum())) >= rounds:
        yield from (rng.permutation(seen) for _ in range(rounds))
        return
    for places in combinations(range(seen.size), int(seen.sum())):
        chosen = np.zeros_like(seen)
        chosen[list(places)] = True
        yield chosen


def _weights_of_largest(count: int, drawn: int) -> FloatArray:
    """Probability that each of ``count`` values in rising order is the largest of ``drawn`` of them, (count,)."""
    return np.array([comb(place, drawn - 1) / comb(count, drawn) for place in range(count)])


def _difference(ranked: FloatArray, seen: NDArray[np.bool_], weights: Mapping[int, FloatArray]) -> float:
    """Mean difference for values (N, R) in rising order and whether the record of each was trained on."""
    sorts = [ranked[sort].reshape(len(ranked), -1) for sort in (seen, ~seen)]
    mine, theirs = (rising @ weights[rising.shape[1]] for rising in sorts)
    return float((mine - theirs).mean())


def _share_won(larger: FloatArray, smaller: FloatArray) -> float:
    """How often the largest of as many values of the larger sort as the smaller has exceeds all of those, ties half."""
    count, drawn = larger.shape[1], smaller.shape[1]
    best = smaller.max(axis=1, keepdims=True)
    lost = [comb(int(kept), drawn) / comb(count, drawn) for kept in (larger < best).sum(axis=1)]
    not_won = [comb(int(kept), drawn) / comb(count, drawn) for kept in (larger <= best).sum(axis=1)]
    return float(1 - (np.mean(lost) + np.mean(not_won)) / 2)


def _median_ratio(pairs: FloatArray, _: FloatArray) -> float:
    to_training, to_held_out = np.median(pairs, axis=0)
    return float(to_training / to_held_out) if to_held_out else float("nan")


def likeness_bound(likeness: ArrayLike, false_alarms: float = 0.01) -> float:
    """Likeness that a map which is no copy exceeds with the given probability, from values of maps that are none.

    The values are taken to be normal on the logit scale; the bound is the upper prediction bound of one more value.

    Args:
        likeness: (N,) values in (0, 1), N >= 3, for instance the Dice of real maps to their nearest other map.
        false_alarms: probability of a false alarm for one map.

    Raises:
        ValueError: fewer than three values, or one outside (0, 1).
    """
    values = np.asarray(likeness, dtype=np.float64)
    if values.size < 3 or not ((values > 0) & (values < 1)).all():
        raise ValueError(
            f"likeness_bound: found {values.size} values, {np.sum((values <= 0) | (values >= 1))} of them outside "
            "(0, 1); expected at least 3 inside; real maps that are copies of one another have to go first"
        )
    logits = np.log(values / (1 - values))
    wide = stats.t.ppf(1 - false_alarms, values.size - 1) * np.sqrt(1 + 1 / values.size)
    return float(1 / (1 + np.exp(-(logits.mean() + wide * logits.std(ddof=1)))))


def area_under_curve(positive: ArrayLike, negative: ArrayLike) -> float:
    """Probability that a positive value exceeds a negative one, ties counting half (Mann & Whitney 1947)."""
    a, b = (np.asarray(one, dtype=np.float64).ravel() for one in (positive, negative))
    ranks = stats.rankdata(np.concatenate([a, b]))
    return float((ranks[: a.size].sum() - a.size * (a.size + 1) / 2) / (a.size * b.size))


def membership_area(
    training_loss: ArrayLike, held_out_loss: ArrayLike, *, rng: np.random.Generator, rounds: int = 1000
) -> Interval:
    """How well a model's loss tells training rows from held-out ones: area under the curve, with bootstrap interval.

    One half: the loss tells nothing. Near 1: training rows have clearly lower losses, and an outsider who has the model
    can tell who was in the training set.

    Raises:
        ValueError: fewer than two rows of either sort.

    Source: Yeom et al. 2018 (arXiv:1709.01604), the loss threshold attack.
    """
    seen, unseen = (np.asarray(one, dtype=np.float64) for one in (training_loss, held_out_loss))
    if min(seen.size, unseen.size) < 2:
        raise ValueError(
            f"membership_area: found {seen.size} training and {unseen.size} held-out losses, expected 2 each"
        )
    return bootstrap_interval(lambda a, b: area_under_curve(-a, -b), seen, unseen, rng=rng, rounds=rounds)
