"""The dye reaches every vessel in the order of the blood."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.phantom.circulation import LEAD_S, REFERENCE_UM, VEIN_SPEED_MM_S, bolus, circulate
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.vessels.eye import VesselGraph


@pytest.fixture(scope="module", params=[0, 1])
def eye(request):
    graph = grow_retina(request.param).graph
    return graph, circulate(graph, np.random.default_rng(request.param))


def test_arrival_never_decreases_downstream_in_arteries(eye):
    graph, flow = eye
    child = np.flatnonzero((graph.kind == ARTERY) & (graph.parent >= 0))
    assert (flow.arrival_s[child] >= flow.arrival_s[graph.parent[child]]).all()
    assert np.array_equal(flow.first_s[graph.kind == ARTERY], flow.arrival_s[graph.kind == ARTERY])


def test_arrival_never_decreases_toward_the_disc_in_veins(eye):
    graph, flow = eye
    child = np.flatnonzero((graph.kind == VEIN) & (graph.parent >= 0))
    assert (flow.arrival_s[graph.parent[child]] >= flow.arrival_s[child]).all()


def test_the_first_thread_comes_from_the_earliest_stream(eye):
    graph, flow = eye
    assert (flow.first_s <= flow.arrival_s).all()
    child = np.flatnonzero((graph.kind == VEIN) & (graph.parent >= 0))
    earliest = np.full(graph.kind.size, np.inf)
    np.minimum.at(earliest, graph.parent[child], flow.first_s[child])
    inner = np.isfinite(earliest)
    assert (flow.first_s[inner] >= earliest[inner]).all()


def test_every_artery_fills_before_the_veins_of_its_territory(eye):
    graph, flow = eye
    arteries, veins = graph.kind == ARTERY, graph.kind == VEIN
    _, nearest = cKDTree(graph.xy_mm[arteries]).query(graph.xy_mm[veins], k=4)
    lead = flow.first_s[veins][:, None] - flow.arrival_s[arteries][nearest]
    assert lead.min() >= LEAD_S - 1e-9
    assert flow.choroid_s < flow.arrival_s[arteries].min()


def test_a_vein_waits_for_the_slow_artery_that_it_passes():
    """A vein drains a place that fills early, then passes the end of a long thin artery."""
    slow = np.stack([np.linspace(0, 40, 41), np.zeros(41)], 1)  # ends at x = 40 long after the vein's leaf is fed
    vein = np.stack([np.linspace(60, 0, 61), np.full(61, 0.2)], 1)  # root, then leaf at x = 0
    graph = VesselGraph(
        xy_mm=np.concatenate([slow, vein]),
        radius_um=np.repeat([3.0, 10.0], [41, 61]),
        kind=np.repeat(np.array([ARTERY, VEIN], np.uint8), [41, 61]),
        parent=np.concatenate([np.arange(-1, 40), [-1], np.arange(41, 101)]).astype(np.int32),
        leaves=np.ones(102),
        quadrant=np.zeros(102, np.uint8),
    )
    flow = circulate(graph, np.random.default_rng(0))
    beside = slow.shape[0] + 20  # the vein at x = 40
    assert flow.first_s[beside] >= flow.arrival_s[40] + LEAD_S


def test_a_lone_vein_takes_its_length_over_the_speed_of_its_blood():
    graph = VesselGraph(
        xy_mm=np.stack([np.linspace(5, 0, 11), np.zeros(11)], 1),
        radius_um=np.full(11, REFERENCE_UM),
        kind=np.full(11, VEIN, np.uint8),
        parent=np.arange(-1, 10, dtype=np.int32),
        leaves=np.ones(11),
        quadrant=np.zeros(11, np.uint8),
    )
    flow = circulate(graph, np.random.default_rng(0))
    for times in (flow.first_s, flow.arrival_s):
        assert times[0] - times[-1] == pytest.approx(5 / VEIN_SPEED_MM_S)


def test_filling_goes_from_nothing_to_full_and_never_back(eye):
    _, flow = eye
    shares = np.stack([flow.filling(time_s) for time_s in np.linspace(5, 40, 71)])
    assert not shares[0].any()
    assert (shares[-1] == 1).all()
    assert (np.diff(shares, axis=0) >= 0).all()


def test_the_bolus_peaks_early_recirculates_and_washes_out():
    seconds = np.linspace(0, 900, 9001)
    dye = bolus(seconds)
    assert (bolus(np.array([-5.0, -0.1])) == 0).all()
    assert dye.max() == pytest.approx(1, abs=1e-3)
    assert 3 < seconds[dye.argmax()] < 30
    assert 0.15 < float(bolus(180.0)) < 0.5
    assert np.all(np.diff(dye[seconds > 120]) < 0)
