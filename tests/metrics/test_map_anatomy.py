from __future__ import annotations

import numpy as np
import pytest

from monai_fundusgen.metrics.functional.map_anatomy import map_anatomy
from monai_fundusgen.metrics.functional.vessel_structure import vessel_structure
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.vessels.drawing import rasterise

COUNTS = ("components", "bifurcations", "crossings", "loops")


@pytest.fixture(scope="module")
def eye():
    return rasterise(grow_retina(2), 512)


def test_figures_are_those_of_the_structure(eye):
    """At the side that it measures at, nothing is reduced."""
    found, whole = map_anatomy(eye.label, eye.fov), vessel_structure(eye.label, eye.fov).figures()
    for kind in ("artery", "vein"):
        for figure in ("density", "length_fd", "largest_share", *COUNTS):
            assert found[f"{kind}.{figure}"] == pytest.approx(whole[f"{kind}.{figure}"], rel=1e-9), figure
    assert found["av_crossings"] == whole["av_crossings"]


def test_a_larger_label_keeps_its_area_and_nearly_its_length(eye):
    grown = np.kron(eye.label, np.ones((1, 2, 2), bool))
    large, small = map_anatomy(grown, np.kron(eye.fov, np.ones((2, 2), bool))), map_anatomy(eye.label, eye.fov)
    for figure, value in small.items():
        assert large[figure] == pytest.approx(value, rel=0.01, nan_ok=True), figure


def test_a_phantom_has_its_disc_where_it_was_grown_and_no_flips(eye):
    retina, found = grow_retina(2), map_anatomy(eye.label, eye.fov)
    disc = np.subtract(retina.landmarks.disc_mm, retina.field.centre_mm) / eye.pixel_um * 1000 / 512 + 0.5
    assert (found["disc_column"], found["disc_row"]) == pytest.approx(tuple(disc), abs=0.04)
    assert found["kind_flips"] <= 1
    assert 0.4 < found["avr"] < 1.1


def test_a_soft_map_may_stand_for_a_label(eye):
    soft = eye.label.astype(np.float32) * 0.9
    hard, faint = map_anatomy(eye.label, eye.fov), map_anatomy(soft, eye.fov)
    assert all(faint[key] == hard[key] for key in hard if key.split(".")[-1] in COUNTS)


def test_an_empty_map_has_counts_of_zero_and_no_places():
    found = map_anatomy(np.zeros((2, 64, 64), bool))
    assert found["artery.components"] == found["vein.length_fd"] == found["kind_flips"] == 0
    assert np.isnan([found["disc_row"], found["avr"], found["vein.largest_share"]]).all()


def test_every_figure_is_a_float(eye):
    assert {type(value) for value in map_anatomy(eye.label, eye.fov).values()} == {float}


def test_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"\(3, 8, 8\).*expected \(2, S, S\)"):
        map_anatomy(np.zeros((3, 8, 8)))
