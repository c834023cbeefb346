"""Other programs' answers to the same maps, where they are installed (the extra `oracles`)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from monai_fundusgen.data.items import phantom_arrays
from monai_fundusgen.vessels.graph import centre_lines, segment_graph
from monai_fundusgen.vessels.topology import betti_numbers


@pytest.mark.parametrize("seed", range(4))
def test_pieces_and_loops_are_those_of_gudhi(seed):
    gudhi = pytest.importorskip("gudhi")
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(48, 60)), 1.2)
    mask = noise > 0.05
    complex_ = gudhi.CubicalComplex(top_dimensional_cells=1.0 - mask)
    complex_.compute_persistence()
    assert betti_numbers(mask) == tuple(complex_.persistent_betti_numbers(0, 0.5)[:2])


@pytest.fixture(scope="module")
def artery():
    return phantom_arrays(4, 512, with_photograph=False)["label"][0]


def test_centre_lines_are_as_long_and_as_many_as_those_of_skan(artery):
    """skan adds up the steps from pixel to pixel; ours is the length of the smoothed path, a few percent less."""
    skan = pytest.importorskip("skan")
    skeleton, distance = centre_lines(artery)
    graph = segment_graph(artery, skeleton, distance)
    other = skan.Skeleton(skeleton)
    assert float(graph.step_px.sum()) == pytest.approx(float(other.path_lengths().sum()), rel=0.06)
    assert graph.num_segments == pytest.approx(other.n_paths, rel=0.06)
