"""Timing of branches on drawings whose filling is known, and on phantom angiograms."""

import numpy as np
import pytest

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.groundtruth.filling import filling_rank, measure_filling
from monai_fundusgen.groundtruth.kinds import (
    BranchKinds,
    calibrated,
    combined_kinds,
    network_log_odds,
    timing_evidence,
    timing_log_odds,
)
from monai_fundusgen.phantom.angiogram import angiogram_sequence
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.vessels.drawing import rasterise
from monai_fundusgen.vessels.graph import vessel_graph


def test_rank_is_where_the_curve_first_passes_half_of_its_maximum():
    ranks = filling_rank(np.array([
        [0, 0, 1, 1, 0.4],  # between the second and third frame
        [1, 1, 0.6, 0.6, 0.5],  # filled from the first on
        [0, 0.25, 0.75, 1, 1],
        [-0.5, 0.02, 0.03, 0.04, 0.05],  # never stands out
        [np.nan, 0, np.nan, 1, 1],  # the third frame does not show it
    ]))  # fmt: skip
    assert np.allclose(ranks, [1.5, 0, 1.5, np.nan, 2], equal_nan=True)


def bars(fill):
    """Twelve vertical bars of 7 px on four frames of 120 x 360 px; ``fill`` (12, 4) is each bar's brightness."""
    mask = np.zeros((120, 360), bool)
    images = np.full((4, 120, 360), 0.2, np.float32)
    for bar, values in enumerate(fill):
        columns = slice(12 + 28 * bar, 19 + 28 * bar)
        mask[10:110, columns] = True
        images[:, 10:110, columns] += np.asarray(values, np.float32)[:, None, None]
    return mask, images


def test_early_bars_are_arteries_and_late_ones_veins():
    early = np.arange(12) % 2 == 0
    mask, images = bars(np.where(early[:, None], [0.0, 0.5, 0.6, 0.3], [-0.1, 0.0, 0.5, 0.3]))
    graph = vessel_graph(mask)
    assert graph.num_segments == 12
    filling = measure_filling(graph, mask, images, np.ones(images.shape, bool))
    column = graph.points_rc[graph.offsets[:-1], 1]
    kinds = BranchKinds(timing_log_odds(graph, filling))
    assert np.array_equal(kinds.kind[np.argsort(column)] == ARTERY, early) and not kinds.uncertain.any()


def test_frames_that_are_all_late_leave_every_branch_open():
    mask, images = bars(np.tile([0.5, 0.5, 0.4, 0.3], (12, 1)))
    graph = vessel_graph(mask)
    filling = measure_filling(graph, mask, images, np.ones(images.shape, bool))
    odds = timing_log_odds(graph, filling)
    assert BranchKinds(odds).uncertain.all() and np.allclose(odds, 0, atol=1e-6)


def test_dye_along_the_walls_speaks_for_a_vein():
    mask, images = bars(np.tile([0.0, 0.3, 0.6, 0.6], (12, 1)))
    graph, valid = vessel_graph(mask), np.ones(images.shape, bool)
    even = timing_evidence(graph, measure_filling(graph, mask, images, valid))
    images[1, 10:110, 14:17] = 0.3  # the middle of the first bar is dark while its walls are bright
    filling = measure_filling(graph, mask, images, valid)
    first = int(np.argmin(graph.points_rc[graph.offsets[:-1], 1]))
    assert filling.layering[first] > 0.1 and timing_evidence(graph, filling)[first] < even[first] - 1


def test_a_gain_per_frame_and_a_sloping_ground_change_nothing():
    early = np.arange(12) % 3 == 0
    mask, images = bars(np.where(early[:, None], [0.05, 0.5, 0.6, 0.3], [-0.1, 0.05, 0.5, 0.3]))
    graph, valid = vessel_graph(mask), np.ones((4, 120, 360), bool)
    before = measure_filling(graph, mask, images, valid)
    slope = np.linspace(0, 0.1, 120, dtype=np.float32)[None, :, None]
    after = measure_filling(graph, mask, images * np.float32([1, 0.6, 0.9, 1.3])[:, None, None] + slope, valid)
    assert np.allclose(before.rank, after.rank, atol=0.1)


@pytest.mark.parametrize("times", [(11.0, 12.6, 13.6, 15.0, 17.0, 20.0, 60.0), (13.5, 40.0)])
def test_arteries_of_a_phantom_fill_before_its_veins(times):
    retina = grow_retina(2_000_002)
    raster = rasterise(retina, 512)
    frames = angiogram_sequence(retina, raster, times, seed=2_000_002, motion=0.0).frames
    mask = raster.label.any(axis=0)
    graph = vessel_graph(mask)
    filling = measure_filling(graph, mask, frames.astype(np.float32) / 255, np.repeat(raster.fov[None], len(times), 0))
    kinds = BranchKinds(timing_log_odds(graph, filling))
    rows, columns = np.rint(graph.points_rc).astype(int).T
    branch = np.repeat(np.arange(graph.num_segments), np.diff(graph.offsets))
    shares = [np.bincount(branch, raster.label[kind][rows, columns], graph.num_segments) for kind in (ARTERY, VEIN)]
    truth = np.where(shares[0] > shares[1], ARTERY, VEIN)
    told = ~kinds.uncertain & (graph.lengths_px > 10)
    assert graph.lengths_px[told].sum() > 0.8 * graph.lengths_px.sum()
    assert (graph.lengths_px * (kinds.kind == truth))[told].sum() > 0.93 * graph.lengths_px[told].sum()


def test_two_sources_that_agree_are_surer_and_that_differ_less_sure():
    timing, network = np.array([1.0, 1.0, 0.0]), np.array([1.0, -1.0, 2.0])
    both = combined_kinds(timing, network)
    assert both.uncertain.tolist() == [False, True, False] and both.kind[2] == ARTERY
    assert both.confidence[0] > BranchKinds(timing).confidence[0]
    with pytest.raises(ValueError, match=r"least_confidence: found 1.5, expected"):
        combined_kinds(timing, least_confidence=1.5)


def test_calibration_keeps_every_kind_and_the_order_of_confidences():
    stated = np.linspace(-9, 9, 181)
    stated[90] = 0
    found = calibrated(stated)
    assert np.array_equal(np.sign(found), np.sign(stated)) and np.allclose(found, -calibrated(-stated))
    assert (np.diff(found) >= 0).all() and (np.diff(found[np.abs(stated) < 3]) > 0).all()
    confidence = combined_kinds(found).confidence
    assert ((confidence >= 0.5) & (confidence <= 1)).all() and confidence[90] == 0.5


def test_a_network_is_heard_by_branch_and_only_so_far():
    mask = bars(np.zeros((12, 4)))[0]
    graph = vessel_graph(mask)
    chance = np.zeros((3, *mask.shape), np.float32)
    chance[ARTERY, :, :180], chance[VEIN, :, 180:] = 1.0, 0.6
    odds = network_log_odds(graph, chance)
    left = graph.points_rc[graph.offsets[:-1], 1] < 180
    assert np.array_equal(odds > 0, left) and np.abs(odds).max() == pytest.approx(2.5)
