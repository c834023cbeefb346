from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest

from monai_fundusgen.metrics.functional.privacy import (
    area_under_curve,
    enough_records,
    likeness_bound,
    membership_area,
    nearest_rows,
    record_distances,
    record_preference,
)


def rows(seed, count, size=6):
    return np.random.default_rng(seed).normal(size=(count, size))


def test_the_nearest_row_is_that_of_all_pairs():
    x, gallery = rows(0, 30), rows(1, 20)
    distances = np.linalg.norm(x[:, None] - gallery[None], axis=2)
    places, found = nearest_rows(x, gallery)
    assert (places == distances.argmin(axis=1)).all() and np.allclose(found, distances.min(axis=1))
    own = nearest_rows(gallery, gallery, own=True)[0]
    assert (own != np.arange(20)).all()
    with pytest.raises(ValueError, match="M >= 2"):
        nearest_rows(gallery[:1], gallery[:1], own=True)


def test_rows_of_neither_set_lie_as_near_to_both_and_copies_do_not():
    training, held_out = rows(1, 60), rows(2, 40)
    free = record_distances(rows(3, 200), training, held_out, rng=np.random.default_rng(0))
    assert free.records == 40
    assert free.closer_to_training.low < 0.5 < free.closer_to_training.high + 0.05
    assert free.ratio.value == pytest.approx(1, abs=0.1)
    copies = training[np.arange(200) % 60] + 0.01 * rows(4, 200)
    found = record_distances(copies, training, held_out, rng=np.random.default_rng(0))
    assert found.closer_to_training.low > 0.7
    assert found.ratio.value < 0.6
    assert found.authenticity == 0 < 0.5 < free.authenticity


def test_the_bound_is_exceeded_as_often_as_it_says():
    rng = np.random.default_rng(0)
    above, rate = 0, 0.05
    for _ in range(4000):
        logits = rng.normal(-0.4, 0.3, 25)
        likeness = 1 / (1 + np.exp(-logits))
        above += likeness[24] > likeness_bound(likeness[:24], rate)
    assert above / 4000 == pytest.approx(rate, abs=0.012)


def test_a_bound_needs_values_that_are_likenesses():
    with pytest.raises(ValueError, match="found 2 values"):
        likeness_bound([0.4, 0.5])
    with pytest.raises(ValueError, match="1 of them outside"):
        likeness_bound([0.4, 0.5, 0.6, 1.0])


def test_the_area_is_the_share_of_pairs():
    a, b = np.array([3.0, 1.0, 2.0]), np.array([2.0, 0.0])
    pairs = [(x > y) + 0.5 * (x == y) for x in a for y in b]
    assert area_under_curve(a, b) == pytest.approx(np.mean(pairs))


def test_lower_losses_of_training_rows_give_them_away():
    rng = np.random.default_rng(0)
    loss = rng.normal(1.0, 0.1, 40)
    alike = membership_area(loss[:20], loss[20:], rng=rng)
    assert alike.low < 0.5 < alike.high
    told = membership_area(loss[:20] - 0.5, loss[20:], rng=rng)
    assert told.value > 0.99 and told.low > 0.9
    with pytest.raises(ValueError, match="found 1 training"):
        membership_area(loss[:1], loss, rng=rng)


def preference(likeness, training, seed=0, **options):
    return record_preference(likeness, training, rng=np.random.default_rng(seed), **options)


@pytest.mark.parametrize("training", [7, 3, 2])
def test_the_larger_sort_is_asked_by_all_subsets_of_the_size_of_the_smaller(training):
    likeness = np.random.default_rng(3).integers(0, 9, (40, 10)) / 9  # few values: ties occur
    seen = np.arange(10) < training
    found = preference(likeness, seen, rounds=10)
    records = min(training, 10 - training)
    pairs = [
        (likeness[:, list(mine)].max(axis=1), likeness[:, list(theirs)].max(axis=1))
        for mine in combinations(range(training), records) for theirs in combinations(range(training, 10), records)
    ]  # fmt: skip
    assert found.records == records
    assert found.difference == pytest.approx(np.mean([a - b for a, b in pairs]))
    assert found.closer_to_training == pytest.approx(np.mean([(a > b) + 0.5 * (a == b) for a, b in pairs]))


def test_rows_alike_to_all_records_prefer_none_and_copies_prefer_what_was_seen():
    rng = np.random.default_rng(5)
    likeness, seen = rng.uniform(0.3, 0.4, (50, 20)), np.arange(20) < 14
    free, typical = preference(likeness, seen), preference(likeness + 0.3, seen)
    assert free.low < free.difference < free.high and 0.05 < free.p_value < 0.95
    assert typical.difference == pytest.approx(free.difference) and typical.p_value == free.p_value
    likeness[np.arange(50), np.arange(50) % 14] += 0.2
    copied = preference(likeness, seen)
    assert copied.difference > copied.high and copied.p_value < 0.01 and copied.closer_to_training > 0.5


def test_a_lean_of_the_whole_says_nothing_of_one_copy():
    """One copy among two hundred is found by its own likeness."""
    rng = np.random.default_rng(9)
    record = rng.normal(0.35, 0.02, 36)
    likeness, seen = record + rng.normal(0, 0.02, (200, 36)), np.arange(36) < 24
    likeness[17, 5] = 0.98
    found = preference(likeness, seen)
    assert found.low < found.difference < found.high
    real = rng.normal(0.42, 0.02, 24)
    assert (likeness[:, seen].max(axis=1) > likeness_bound(real)).nonzero()[0].tolist() == [17]


def test_chance_is_as_probable_as_it_says():
    rng = np.random.default_rng(6)
    record = rng.normal(size=(400, 1, 9))  # some records are alike to all rows: rows are not independent
    tables = record + rng.normal(size=(400, 6, 9))
    found = [preference(table, np.arange(9) < 5, rounds=99).p_value for table in tables]
    assert np.mean(np.array(found) <= 0.1) == pytest.approx(0.1, abs=0.045)
    assert np.mean(found) == pytest.approx(0.5, abs=0.05)


def test_a_preference_needs_rows_and_records_of_either_sort():
    with pytest.raises(ValueError, match="1 training ones of 60 records"):
        preference(np.zeros((3, 60)), np.arange(60) < 1)
    with pytest.raises(ValueError, match="N >= 1"):
        preference(np.zeros((0, 9)), np.arange(9) < 4)
    with pytest.raises(ValueError, match=r"shape \(3, 9\)"):
        preference(np.zeros((3, 9)), np.arange(10) < 4)


@pytest.mark.parametrize(("training", "held_out"), [(3, 4), (4, 4), (8, 2), (7, 2)])
def test_where_records_are_too_few_for_an_answer_none_is_given(training, held_out):
    """Copies of all training records must be able to lie beyond chance."""
    seen = np.arange(training + held_out) < training
    likeness = np.where(np.eye(training, training + held_out, dtype=bool), 0.99, 0.4)
    likeness += np.random.default_rng(2).uniform(0, 0.01, likeness.shape)
    if not enough_records(training, held_out):
        with pytest.raises(ValueError, match="enough records"):
            preference(likeness, seen)
    else:
        for seed in range(20):  # all choices are asked, so that no draw decides
            found = preference(likeness, seen, seed)
            assert found.difference > found.high and found.p_value == 1 / comb(training + held_out, training)
    assert enough_records(training, held_out) == ((training, held_out) in [(4, 4), (8, 2)])
