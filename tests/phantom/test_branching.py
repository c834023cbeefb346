import numpy as np
import pytest
from scipy.optimize import minimize

from monai_fundusgen.phantom.anatomy import Anatomy, draw_constitution
from monai_fundusgen.phantom.branching import daughter_angles, in_macula, scatter_targets
from monai_fundusgen.phantom.flow import frame_of, in_domain


def frame(seed=0):
    return frame_of(draw_constitution(Anatomy(), np.random.default_rng(seed)), 6.0)


@pytest.mark.parametrize("ratio", [1.0, 0.8, 0.5, 0.3])
def test_daughter_angles_minimise_the_volume_of_the_junction(ratio):
    parent = (1 + ratio**3) ** (1 / 3)
    thick, thin = np.array([1.0, 0.35]), np.array([1.0, -0.45])  # where the two daughters go
    cost = lambda p: parent**2 * np.hypot(*(p + [2.0, 0])) + np.hypot(*(thick - p)) + ratio**2 * np.hypot(*(thin - p))
    best = minimize(cost, [-0.5, 0.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12}).x
    onward = best + [2.0, 0]
    angles = [np.arccos(onward @ (end - best) / np.hypot(*onward) / np.hypot(*(end - best))) for end in (thick, thin)]
    if min(np.hypot(*(end - best)) for end in (thick, thin)) > 0.05:  # the junction lies between the three ends
        assert daughter_angles(ratio) == pytest.approx(angles, abs=2e-3)


def test_daughter_angles_of_the_source():
    assert np.rad2deg(daughter_angles(1.0)) == pytest.approx([37.5, 37.5], abs=0.1)
    assert np.rad2deg(daughter_angles(0.5)) == pytest.approx([13, 65], abs=0.7)
    assert np.rad2deg(daughter_angles(0.3)) == pytest.approx([5, 76], abs=0.7)


def test_targets_fill_the_domain_evenly_and_nothing_else():
    ground, spacing = frame(), 0.5
    targets = scatter_targets(ground, spacing, np.random.default_rng(1))
    assert all(in_domain(ground, x, y) for x, y in targets.xy)
    grid = np.stack(np.meshgrid(*[np.linspace(-ground.radius, ground.radius, 400)] * 2), -1).reshape(-1, 2)
    grid = grid + (ground.centre_x, ground.centre_y)
    area = np.mean([in_domain(ground, x, y) for x, y in grid]) * (2 * ground.radius) ** 2
    for kind in (0, 1):
        assert (targets.kind == kind).sum() == pytest.approx(0.92 * area / spacing**2, rel=0.05)


def test_the_macula_holds_the_fovea_and_not_the_disc():
    ground = frame()
    assert in_macula(np.array([[0.0, 0.0], [ground.disc_x, ground.disc_y]])).tolist() == [True, False]
