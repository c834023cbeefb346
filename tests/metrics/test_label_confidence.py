import numpy as np
import pytest

from monai_fundusgen.metrics.functional.label_confidence import label_confidence


def chance(artery, vein, vessel=0.9):
    return np.broadcast_to(np.array([artery, vein, vessel], np.float32)[:, None, None], (3, 4, 6))


def test_certain_kinds_and_crossings_are_confident_and_even_odds_are_not():
    for artery, vein in ((1, 0), (0, 1), (1, 1)):
        assert label_confidence(chance(artery, vein)) == pytest.approx(1, abs=1e-4)
    assert label_confidence(chance(0.5, 0.5)) == pytest.approx(0)


def test_the_less_sure_the_lower_whichever_kind():
    falling = [label_confidence(chance(odds, 1 - odds)) for odds in (0.99, 0.9, 0.7, 0.5)]
    assert falling == sorted(falling, reverse=True) and len(set(falling)) == 4
    assert label_confidence(chance(0.8, 0.2)) == pytest.approx(label_confidence(chance(0.2, 0.8)), abs=1e-6)
    entropy = -(0.8 * np.log2(0.8) + 0.2 * np.log2(0.2))
    assert label_confidence(chance(0.8, 0.2)) == pytest.approx(1 - entropy, abs=1e-5)


def test_only_found_vessels_count():
    both = np.concatenate([chance(1, 0, 0.6), chance(0.5, 0.5, 0.4)], axis=2)
    assert label_confidence(both) == pytest.approx(1, abs=1e-4)
    assert label_confidence(both, 0.3) == pytest.approx(0.5, abs=1e-4)
    assert label_confidence(chance(1, 0, 0.1)) == 0


def test_other_planes_are_refused():
    with pytest.raises(ValueError, match="expected artery, vein and vessel"):
        label_confidence(np.zeros((2, 4, 4)))
