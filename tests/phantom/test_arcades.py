import numpy as np
import pytest
from scipy.spatial.distance import cdist

from monai_fundusgen.phantom.anatomy import Anatomy, draw_constitution
from monai_fundusgen.phantom.arcades import OWN_DISTANCE_MM, PAIR_DISTANCE_MM, contact_step, draw_trunks
from monai_fundusgen.phantom.flow import frame_of
from monai_fundusgen.phantom.forest import STEP_MM


def plan(seed):
    rng = np.random.default_rng(seed)
    frame = frame_of(draw_constitution(Anatomy(), rng), 6.0)
    return frame, draw_trunks(frame, 1.0, rng)


@pytest.mark.parametrize("seed", range(6))
def test_every_kind_has_a_trunk_to_every_quadrant_that_starts_on_the_disc(seed):
    frame, trunks = plan(seed)
    mains = [trunk for trunk in trunks if trunk.level == 0]
    assert sorted((trunk.kind, trunk.quadrant) for trunk in mains) == [(k, q) for k in (0, 1) for q in range(4)]
    for trunk in trunks:
        step = np.hypot(*np.diff(trunk.path_mm, axis=0).T)
        assert step == pytest.approx(STEP_MM, abs=2e-6)
        if trunk.origin < 0:
            assert np.hypot(*(trunk.path_mm[0] - (frame.disc_x, frame.disc_y))) < frame.disc
        else:
            assert trunk.path_mm[0].tolist() == trunks[trunk.origin].path_mm[trunk.origin_step].tolist()


@pytest.mark.parametrize("seed", range(6))
def test_roots_are_spread_over_the_disc(seed):
    _, trunks = plan(seed)
    mains = [trunk for trunk in trunks if trunk.level == 0]
    start = np.array([trunk.path_mm[0] for trunk in mains])
    kind = np.array([trunk.kind for trunk in mains])
    apart = cdist(start, start) + np.eye(len(start))
    assert apart.min() >= OWN_DISTANCE_MM - 1e-6
    assert apart[kind[:, None] != kind].min() >= PAIR_DISTANCE_MM - 1e-6


def test_trunks_turn_smoothly():
    for seed in range(6):
        for trunk in plan(seed)[1]:
            step = np.diff(trunk.path_mm, axis=0)
            turn = step[:-1, 0] * step[1:, 1] - step[:-1, 1] * step[1:, 0]
            angle = np.arctan2(turn, (step[:-1] * step[1:]).sum(1))
            assert np.rad2deg(np.abs(angle)).max(initial=0) < 10


def test_contact_is_excused_by_a_steep_crossing_of_two_kinds_only():
    along = np.stack([np.arange(-1, 1, 0.1), np.full(20, 0.03)], 1)
    across = np.stack([np.full(20, 0.02), np.arange(-1, 1, 0.1)], 1)
    shallow = along @ [[np.cos(0.3), np.sin(0.3)], [-np.sin(0.3), np.cos(0.3)]]
    assert contact_step(along, across, False, 0) == -1
    assert contact_step(along, across, True, 0) >= 0
    assert contact_step(along, shallow, False, 0) >= 0
    assert contact_step(along, along + (0, PAIR_DISTANCE_MM + 0.01), False, 0) == -1
