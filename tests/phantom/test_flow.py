import numpy as np
import pytest

from monai_fundusgen.phantom.anatomy import Anatomy, draw_constitution
from monai_fundusgen.phantom.flow import (
    crosses_raphe,
    flow,
    flow_to_fovea,
    frame_of,
    from_disc_frame,
    in_domain,
    temporal_ellipse,
    to_disc_frame,
)

FRAME = frame_of(draw_constitution(Anatomy(), np.random.default_rng(3)), 6.0)


def at(u, v):
    """Point of the retina at (u, v) of the disc frame."""
    x, y = from_disc_frame(FRAME, u, v)
    return x + FRAME.disc_x, y + FRAME.disc_y


def test_the_disc_frame_puts_the_fovea_on_its_axis_and_superior_up():
    assert to_disc_frame(FRAME, 0.0, 0.0) == pytest.approx((FRAME.dfd, 0.0), abs=1e-6)
    assert to_disc_frame(FRAME, FRAME.disc_x, FRAME.disc_y - 1)[1] > 0
    for u, v in np.random.default_rng(0).uniform(-6, 6, (20, 2)):
        assert to_disc_frame(FRAME, *at(u, v)) == pytest.approx((u, v), abs=1e-9)


def test_the_flow_follows_the_ellipses_of_the_arcades():
    for height in (1.5, 2.5, FRAME.arcade):
        u = np.linspace(0.3, 0.9 * FRAME.pole, 40)
        v = height * np.sqrt([temporal_ellipse(FRAME, x)[0] / temporal_ellipse(FRAME, FRAME.dfd)[0] for x in u])
        for k in range(1, 39):
            along = np.array([u[k + 1] - u[k - 1], v[k + 1] - v[k - 1]])
            f = flow(FRAME, *at(u[k], v[k]))
            direction = np.array([f[0] * FRAME.t_x + f[1] * FRAME.t_y, -f[0] * FRAME.t_y + f[1] * FRAME.t_x])
            assert direction @ along / np.hypot(*along) > 0.985


def test_the_flow_is_of_unit_length_and_radial_on_the_nasal_side():
    for u, v in np.random.default_rng(1).uniform(-6, 6, (200, 2)):
        assert np.hypot(*flow(FRAME, *at(u, v))) == pytest.approx(1, abs=1e-6)
        if u < 0:
            x, y = from_disc_frame(FRAME, u, v)
            assert np.dot(flow(FRAME, *at(u, v)), (x, y)) == pytest.approx(np.hypot(x, y), abs=1e-6)


def test_twigs_near_the_fovea_point_at_it():
    for angle in np.linspace(0, 2 * np.pi, 12, endpoint=False):
        x, y = 0.6 * np.cos(angle), 0.6 * np.sin(angle)
        assert np.dot(flow_to_fovea(FRAME, x, y), (-x, -y)) > 0.9 * 0.6


def test_the_raphe_lies_temporal_to_the_fovea_only():
    assert crosses_raphe(FRAME, *at(FRAME.dfd + 1, 0.2), *at(FRAME.dfd + 1, -0.2))
    assert not crosses_raphe(FRAME, *at(FRAME.dfd - 1, 0.2), *at(FRAME.dfd - 1, -0.2))
    assert not crosses_raphe(FRAME, *at(FRAME.dfd + 1, 0.2), *at(FRAME.dfd + 1, 0.4))


def test_the_domain_leaves_out_disc_fovea_and_periphery():
    assert in_domain(FRAME, *at(2.0, 2.0))
    assert not in_domain(FRAME, FRAME.disc_x, FRAME.disc_y)
    assert not in_domain(FRAME, 0.0, 0.0)
    assert not in_domain(FRAME, FRAME.centre_x + FRAME.radius + 0.01, FRAME.centre_y)
