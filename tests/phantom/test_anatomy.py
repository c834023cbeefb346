import numpy as np
import pytest

from monai_fundusgen.phantom.anatomy import Anatomy, Normal, draw_constitution


def draw(seed, **options):
    return draw_constitution(Anatomy(**options), np.random.default_rng(seed))


def test_clipped_normal_keeps_its_bounds_and_its_middle():
    rng = np.random.default_rng(0)
    values = [Normal(2.0, 0.5, 1.5, 3.0).draw(rng) for _ in range(4000)]
    assert min(values) == 1.5 and max(values) <= 3.0
    assert np.median(values) == pytest.approx(2.0, abs=0.03)


def test_options_do_not_change_what_else_is_drawn():
    reference = draw(7)
    for options in ({"laterality": "left"}, {"centring": "disc"}, {"cut": 0.7}, {"diameter_deg": 30.0}):
        other = draw(7, **options)
        assert (other.arcade_mm, other.root_um, other.density) == (
            reference.arcade_mm,
            reference.root_um,
            reference.density,
        )
        assert other.landmarks.disc_mm == reference.landmarks.disc_mm


def test_landmarks_have_the_published_distances():
    eyes = [draw(seed).landmarks for seed in range(600)]
    distance = np.array([np.hypot(*eye.disc_mm) for eye in eyes])
    angle = np.array([np.rad2deg(np.arctan2(-eye.disc_mm[1], eye.disc_mm[0])) for eye in eyes])
    assert distance.mean() == pytest.approx(4.76, abs=0.06) and distance.std() == pytest.approx(0.34, abs=0.04)
    assert angle.mean() == pytest.approx(6.0, abs=0.5)  # the fovea lies below the disc
    assert np.mean([2 * eye.disc_radius_mm for eye in eyes]) == pytest.approx(1.80, abs=0.06)
    assert np.mean([eye.right_eye for eye in eyes]) == pytest.approx(0.5, abs=0.08)


def test_the_field_is_centred_on_what_the_camera_aims_at():
    disc = draw(1).landmarks.disc_mm
    for centring, target in (("macula", (0, 0)), ("disc", disc), ("between", (disc[0] / 2, disc[1] / 2))):
        assert draw(1, centring=centring, aim_mm=0.0).field.centre_mm == pytest.approx(target)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"laterality": "both"}, "laterality is 'both'; choose one of"),
        ({"centring": "nose"}, "centring is 'nose'"),
        ({"finest_level": 0}, "finest_level is 0"),
        ({"diameter_deg": 200.0}, "wider fields need a spherical projection"),
        ({"cut": 0.0}, "cut 0.0 must lie in"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Anatomy(**options)
