from __future__ import annotations

import numpy as np
import pytest

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.metrics.functional.vessel_structure import (
    box_dimension,
    field_diameter_px,
    figures_of,
    vessel_structure,
)
from monai_fundusgen.vessels.central_calibre import knudtson
from monai_fundusgen.vessels.field import Field
from tests.reference import vessel_drawings as drawn

SIZES = [1, 2, 4, 8, 16]


def eye():
    """A bifurcating artery, a vein that crosses one of its branches, and a loose piece of vein with a loop."""
    artery = drawn.bifurcation(parent=7, daughters=(5, 5))
    vein = drawn.draw([([(58, 88), (112, 88)], 4)]) | (np.roll(drawn.ring(radius=8, width=3), (-14, -40), axis=(0, 1)))
    return np.stack([artery, vein] if ARTERY < VEIN else [vein, artery])


def test_counts_of_a_drawing():
    found = vessel_structure(eye(), np.ones((128, 128), dtype=bool))
    assert (found.artery.components, found.artery.loops, found.artery.end_points) == (1, 0, 3)
    assert (found.artery.bifurcations, found.artery.crossings, found.av_crossings) == (1, 0, 1)
    assert (found.vein.components, found.vein.loops, found.vein.end_points, found.vein.bifurcations) == (2, 1, 2, 0)
    assert (found.vessel.components, found.vessel.crossings, found.vessel.bifurcations) == (2, 1, 1)


def test_areas_and_shares_of_a_drawing():
    vessels, fov = eye(), np.ones((128, 128), dtype=bool)
    found = vessel_structure(vessels, fov)
    assert found.artery.density == vessels[ARTERY].mean()
    assert found.vessel.density == vessels.any(axis=0).mean()
    assert found.av_crossing_share == vessels.all(axis=0).mean()
    assert found.av_area_ratio == vessels[ARTERY].sum() / vessels[VEIN].sum()
    assert found.artery.largest_share == 1.0
    assert found.artery.length_fd == found.artery.length_px / 128


@pytest.mark.parametrize("turn", [np.flipud, np.fliplr, np.rot90, lambda m: np.rot90(m, 3), np.transpose])
def test_flips_and_quarter_turns_change_no_count_and_hardly_a_length(turn):
    fov = np.ones((128, 128), dtype=bool)
    before = vessel_structure(eye(), fov).figures()
    after = vessel_structure(np.stack([turn(plane) for plane in eye()]), fov).figures()
    for key, value in before.items():
        assert after[key] == pytest.approx(
            value, rel=0.12 if "angle" in key or "exponent" in key else 0.05, nan_ok=True
        ), key


def test_only_the_field_counts():
    vessels, fov = eye(), np.zeros((128, 128), dtype=bool)
    fov[:40] = True
    inside = vessels & fov
    assert vessel_structure(vessels, fov).figures() == pytest.approx(
        vessel_structure(inside, fov).figures(), nan_ok=True
    )
    assert vessel_structure(vessels, fov).artery.bifurcations == 0


def test_kinds_swap_with_their_planes():
    fov = np.ones((128, 128), dtype=bool)
    one, other = vessel_structure(eye(), fov), vessel_structure(eye()[::-1], fov)
    assert one.artery.length_px == other.vein.length_px
    assert one.av_crossings == other.av_crossings


def test_an_empty_map_is_said_to_be_empty():
    found = vessel_structure(np.zeros((2, 64, 64), dtype=bool))
    assert found.artery.empty
    assert found.vessel.empty
    assert found.artery.density == found.artery.length_px == found.artery.components == found.av_crossings == 0
    assert np.isnan([found.artery.tortuosity, found.artery.exponent, found.vessel.dimension_area, found.avr]).all()
    assert not vessel_structure(eye()).artery.empty


def test_a_map_that_is_no_artery_vein_map_is_refused():
    with pytest.raises(ValueError, match=r"found a map of shape \(3, 8, 8\)"):
        vessel_structure(np.zeros((3, 8, 8), dtype=bool))
    with pytest.raises(ValueError, match="fov"):
        vessel_structure(np.zeros((2, 8, 9), dtype=bool))


def test_widths_are_thousandths_of_the_field():
    mask = np.zeros((2, 200, 200), dtype=bool)
    mask[ARTERY, 90:96, 20:180] = True
    found = vessel_structure(mask, np.ones((200, 200), dtype=bool))
    assert found.artery.width_median_permille == pytest.approx(1000 * 6 / 200)
    assert found.artery.width_p95_permille == pytest.approx(1000 * 6 / 200)
    assert found.artery.tortuosity == pytest.approx(1.0, abs=1e-3)


def test_tortuosity_of_a_half_circle():
    mask = np.stack([drawn.arc(180), np.zeros((256, 256), dtype=bool)])
    assert vessel_structure(mask).artery.tortuosity == pytest.approx(np.pi / 2, rel=0.03)


def test_the_field_diameter_ignores_a_flat_cut():
    field = Field().mask(200)
    assert field_diameter_px(field) == pytest.approx(194, abs=1)
    field[:40], field[-40:] = False, False
    assert field_diameter_px(field) == pytest.approx(194, abs=1)


def test_dimension_of_a_line_is_one_and_of_a_square_two():
    line = np.zeros((256, 256), dtype=bool)
    line[100] = True
    assert box_dimension(line, SIZES) == pytest.approx(1.0)
    assert box_dimension(np.ones((256, 256), dtype=bool), SIZES) == pytest.approx(2.0)
    carpet = np.ones((1, 1), dtype=bool)
    for _ in range(5):  # Sierpinski: log 8 / log 3
        carpet = np.block([[carpet, carpet, carpet], [carpet, ~carpet & carpet, carpet], [carpet, carpet, carpet]])
    assert box_dimension(carpet, [1, 3, 9, 27]) == pytest.approx(np.log(8) / np.log(3))
    assert np.isnan(box_dimension(~np.ones((8, 8), dtype=bool), SIZES))


def test_equivalents_of_spokes_round_the_disc():
    """Six arteries of 6 px and six veins of 8 px leave the disc; the equivalents follow by hand."""
    size, centre, radius = 512, 256, 40.0
    spokes = []
    for kind, width in ((0, 6), (1, 8)):
        angles = np.deg2rad(np.arange(6) * 60 + 30 * kind)
        spokes.append(
            drawn.draw([([(256, 256), (256 + 200 * np.cos(a), 256 + 200 * np.sin(a))], width) for a in angles], size)
        )
    found = vessel_structure(np.stack(spokes), disc_rc=(centre, centre), disc_radius_px=radius)
    expected = [1000 * knudtson([w] * 6, c) / found.field_diameter_px for w, c in ((6, 0.88), (8, 0.95))]
    assert [found.crae_permille, found.crve_permille] == pytest.approx(expected, rel=0.06)
    assert found.avr == pytest.approx(found.crae_permille / found.crve_permille)
    assert found.av_crossings == 0  # all on the disc


@pytest.mark.data
def test_real_maps_have_the_figures_of_the_literature(hrf_av):
    """HRF-AV at 1024 px: about 9 % vessels, most of a kind in one piece, k of about 2."""
    from PIL import Image

    colours = np.asarray(Image.open(hrf_av / "av" / "01_h.png").convert("RGB"))[::3, ::3] > 127
    fov = np.asarray(Image.open(hrf_av / "fov" / "01_h.png").convert("L"))[::3, ::3] > 127
    vessels = np.stack([colours[..., 0] | colours[..., 1], colours[..., 2] | colours[..., 1]])
    found = vessel_structure(vessels, fov)
    assert 0.06 < found.vessel.density < 0.13
    assert 1.5 < found.artery.exponent < 3.2
    assert 1.5 < found.vein.exponent < 3.2
    assert 80 < found.artery.angle_deg < 100


def test_a_map_without_kinds_has_the_figures_of_the_silhouette():
    both, alone = figures_of(eye() * 0.9, 0.25), figures_of(eye().any(axis=0)[None] * 0.9, 0.25)
    assert alone == pytest.approx({name: value for name, value in both.items() if name in alone}, nan_ok=True)
    assert len(alone) == sum(name.startswith("vessel.") for name in both)
