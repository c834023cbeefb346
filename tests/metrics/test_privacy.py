from __future__ import annotations

import numpy as np
import pytest

from monai_fundusgen.metrics.functional.privacy import (
    area_under_curve,
    likeness_bound,
    membership_area,
    nearest_rows,
    record_distances,
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
