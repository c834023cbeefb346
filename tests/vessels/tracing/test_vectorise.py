from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.data.reading import read_av, read_fov
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.transforms.field import CropFieldd
from monai_fundusgen.vessels.drawing import rasterise
from monai_fundusgen.vessels.graph import vessel_graph
from monai_fundusgen.vessels.topology import betti_numbers
from monai_fundusgen.vessels.tracing.vectorise import estimate_blur, exact_label, vectorise

SIZE, SUPER = 64, 16


def drawn(*vessels, size=SIZE):
    """Fine planes (2, 16 size, 16 size) of straight vessels (kind, a_rc, b_rc, width), square ends; in px of the map.

    An oracle apart from the package: a point belongs to a vessel by its place along and across.
    """
    rows, columns = (np.mgrid[: size * SUPER, : size * SUPER] + 0.5) / SUPER - 0.5
    planes = np.zeros((2, size * SUPER, size * SUPER), bool)
    for kind, a, b, width in vessels:
        (dr, dc), length = np.subtract(b, a), np.hypot(*np.subtract(b, a))
        along = ((rows - a[0]) * dr + (columns - a[1]) * dc) / length
        across = ((rows - a[0]) * -dc + (columns - a[1]) * dr) / length
        planes[kind] |= (np.abs(across) <= width / 2) & (along >= 0) & (along <= length)
    return planes


def averaged(planes, by=SUPER):
    channels, size = planes.shape[0], planes.shape[1] // by
    return planes.reshape(channels, size, by, size, by).mean(axis=(2, 4)).astype(np.float32)


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def line_at(angle_deg, width, *, kind=ARTERY, shift=0.0, half=22.0, centre=(31.3, 31.8)):
    """A straight vessel at an angle, moved across by ``shift``."""
    c, s = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    middle = np.add(centre, (shift * c, -shift * s))
    return kind, middle - (half * s, half * c), middle + (half * s, half * c), width


@pytest.mark.parametrize("angle_deg", [8, 27, 40, 64, 83, 118, 171])
@pytest.mark.parametrize("width", [0.25, 0.6, 1.0, 2.2, 4.0])
def test_a_straight_vessel_comes_back_to_a_fraction_of_a_pixel(angle_deg, width):
    vessel = line_at(angle_deg, width)
    paths = vectorise(averaged(drawn(vessel))).artery
    _, a, b, _ = vessel
    (dr, dc), length = np.subtract(b, a), np.hypot(*np.subtract(b, a))
    along = (paths.points_rc - a) @ (dr, dc) / length
    across = (paths.points_rc - a) @ (-dc, dr) / length
    end = 3 + width / 2
    inner = (along > end) & (along < length - end)
    hidden = 0.3 * max(1 - width, 0) * (abs(angle_deg % 90 - 45) > 35)  # inside one row of pixels anything fits
    assert np.sqrt(np.mean(across[inner] ** 2)) < 0.03 + hidden
    assert abs(across[inner].mean()) < 0.03 + 0.1 * hidden
    assert 2 * paths.radius_px[inner].mean() == pytest.approx(width, rel=0.01, abs=0.01)
    assert 2 * paths.radius_px[inner].std() < 0.05
    assert along.min() == pytest.approx(0, abs=0.5 * width + 0.75)
    assert along.max() == pytest.approx(length, abs=0.5 * width + 0.75)


@pytest.mark.parametrize("left", [20.0, 20.3, 20.7])
@pytest.mark.parametrize("width", [1.3, 2.0, 3.4])
def test_an_upright_vessel_has_its_walls_where_they_were(left, width):
    paths = vectorise(averaged(drawn((VEIN, (8, left + width / 2), (56, left + width / 2), width)))).vein
    inner = np.abs(paths.points_rc[:, 0] - 32) < 20
    middle, radius = paths.points_rc[inner, 1].mean(), paths.radius_px[inner].mean()
    assert (middle - radius, middle + radius) == pytest.approx((left, left + width), abs=0.06)


def test_a_quarter_turn_turns_the_label():
    soft = averaged(drawn(line_at(20, 1.5), line_at(100, 0.8, kind=VEIN), line_at(60, 0.5)))
    label, turned = exact_label(soft, 256), exact_label(np.rot90(soft, axes=(1, 2)).copy(), 256)
    for kind in (ARTERY, VEIN):
        assert dice(turned[kind], np.rot90(label[kind])) > 0.97


@pytest.mark.parametrize("angle_deg", [35, 60, 90])
@pytest.mark.parametrize("hidden", [None, ARTERY, VEIN])
def test_both_vessels_of_a_crossing_are_continuous(angle_deg, hidden):
    planes = drawn(line_at(10, 1.2), line_at(10 + angle_deg, 2.5, kind=VEIN))
    if hidden is not None:  # drawn without what lies behind
        planes[hidden] &= ~planes[1 - hidden]
    label = exact_label(averaged(planes), 256)
    assert betti_numbers(label[ARTERY]) == betti_numbers(label[VEIN]) == (1, 0)


def test_a_gap_that_nothing_explains_stays_unless_asked_for():
    kind, a, b, width = line_at(25, 1.0)
    middle, step = np.add(a, b) / 2, np.subtract(b, a) / np.hypot(*np.subtract(b, a))
    soft = averaged(drawn((kind, a, middle - 1.5 * step, width), (kind, middle + 1.5 * step, b, width)))
    assert betti_numbers(exact_label(soft, 256)[ARTERY])[0] == 2
    assert betti_numbers(exact_label(soft, 256, bridge_px=5.0)[ARTERY])[0] == 1


@pytest.mark.parametrize("angle_deg", [5, 40, 75])
@pytest.mark.parametrize(
    ("widths", "gap", "half"),
    [((1.0, 1.5), 1.0, 60), ((2.5, 2.5), 1.25, 60), ((0.4, 0.4), 2.0, 60), ((1.0, 1.5), 2.5, 22)],
)
def test_two_parallel_vessels_stay_two(angle_deg, widths, gap, half):
    """Side by side through the whole map (half 60), and where both end inside it."""
    apart = (gap + sum(widths) / 2) / 2
    sides = zip(widths, (-apart, apart), strict=True)
    soft = averaged(drawn(*(line_at(angle_deg, width, shift=shift, half=half) for width, shift in sides)))
    assert betti_numbers(exact_label(soft, 512)[ARTERY]) == (2, 0)


def test_kinds_do_not_mix():
    soft = averaged(drawn(line_at(15, 2.0)))
    assert not exact_label(soft, 256)[VEIN].any()
    swapped = exact_label(soft[::-1].copy(), 256)
    assert np.array_equal(swapped[::-1], exact_label(soft, 256))


@pytest.mark.parametrize("blur_px", [0.5, 0.8])
def test_a_known_blur_is_taken_out_of_the_width(blur_px):
    soft = averaged(drawn(line_at(33, 1.5)))
    blurred = ndimage.gaussian_filter(soft, (0, blur_px, blur_px))
    paths = vectorise(blurred, blur_px=blur_px).artery
    inner = np.hypot(*(paths.points_rc - (31.3, 31.8)).T) < 18
    assert 2 * paths.radius_px[inner].mean() == pytest.approx(1.5, abs=0.06)


@pytest.mark.parametrize("blur_px", [0.0, 0.5, 0.8])
def test_the_blur_of_a_map_is_found(blur_px):
    soft = averaged(drawn(line_at(33, 1.5), line_at(100, 0.6), line_at(60, 2.5, kind=VEIN)))
    blurred = ndimage.gaussian_filter(soft, (0, blur_px, blur_px)) if blur_px else soft
    assert estimate_blur(blurred, candidates_px=(0.0, 0.5, 0.8)) == blur_px


def test_the_label_covers_the_area_of_the_map():
    planes = drawn(line_at(20, 1.5), line_at(75, 3.0), line_at(130, 1.0, kind=VEIN))
    soft = averaged(planes)
    label = exact_label(soft, 512)
    for kind in (ARTERY, VEIN):
        assert label[kind].mean() == pytest.approx(soft[kind].mean(), rel=0.03)


def test_phantom_maps_come_back_by_width():
    truth = rasterise(grow_retina(3), 1024)
    label = exact_label(averaged(truth.label, by=4), 1024) & truth.fov
    hits, total = np.zeros(3), np.zeros(3)
    for kind in (ARTERY, VEIN):
        nearest = ndimage.distance_transform_edt(~truth.label[kind], return_distances=False, return_indices=True)
        width_px = truth.diameter_um[kind][tuple(nearest)] / truth.pixel_um
        band = np.digitize(width_px, [1.5, 3.0])
        hits += np.bincount(band[label[kind] & truth.label[kind]], minlength=3)
        total += np.bincount(band[label[kind]], minlength=3) + np.bincount(band[truth.label[kind]], minlength=3)
    thin, middle, wide = 2 * hits / total
    assert wide > 0.97 and middle > 0.85 and thin > 0.6


@pytest.mark.data
def test_real_maps_come_back_where_vessels_are_wide(hrf_av):
    """One training case of HRF-AV at 1024 px, all pixels within the reach of a vessel wider than 3 px."""
    item = {
        "fov": read_fov(hrf_av / "fov" / "05_h.png")[None],
        "label": np.stack(read_av(hrf_av / "av" / "05_h.png")[:2]),
    }
    truth = CropFieldd(("label",), 1024)(item)["label"].numpy() > 0.5
    label = exact_label(averaged(truth, by=4), 1024)
    for kind in (ARTERY, VEIN):
        graph = vessel_graph(truth[kind])
        width_px = np.zeros(truth.shape[1:])
        width_px[tuple(np.rint(graph.points_rc).astype(int).T)] = graph.width_px
        nearest = ndimage.distance_transform_edt(width_px == 0, return_distances=False, return_indices=True)
        wide = width_px[tuple(nearest)] > 3
        assert dice(label[kind] & wide, truth[kind] & wide) > 0.965


def test_an_empty_map_has_no_paths():
    paths = vectorise(np.zeros((2, 32, 32), np.float32))
    assert len(paths.artery.offsets) == len(paths.vein.offsets) == 1
    assert not paths.label(128).any()


def test_specks_are_dropped():
    soft = np.zeros((2, 32, 32), np.float32)
    soft[0, 10:12, 10:12] = 0.8
    soft[1, 20, 4:6] = 0.5
    assert not exact_label(soft, 128).any()


@pytest.mark.parametrize("size", [2, 3, 8, 64])
def test_noise_and_full_maps_give_finite_paths_of_sane_width(size):
    noise = np.random.default_rng(size).uniform(size=(2, size, size)).astype(np.float32)
    for soft in (noise, noise**4, np.ones_like(noise)):
        paths = vectorise(soft, bridge_px=4.0)
        for kind in (paths.artery, paths.vein):
            assert np.isfinite(kind.points_rc).all() and np.isfinite(kind.radius_px).all()
            assert kind.radius_px.max(initial=0) <= 16
        assert paths.label(4 * size).shape == (2, 4 * size, 4 * size)


def test_the_same_map_gives_the_same_label_as_tensor_and_array():
    noise = np.random.default_rng(1).uniform(size=(2, 64, 64)).astype(np.float32) ** 3
    first = exact_label(noise, 256)
    assert np.array_equal(first, exact_label(torch.from_numpy(noise), 256))


@pytest.mark.parametrize(
    "soft", [np.zeros((1, 8, 8)), np.zeros((2, 8, 9)), np.full((2, 8, 8), 1.2), np.full((2, 8, 8), np.nan)]
)
def test_what_is_no_soft_map_is_refused(soft):
    with pytest.raises(ValueError, match="soft map .*expected"):
        vectorise(soft)


def test_rounding_of_an_average_is_no_fault_but_more_is():
    soft = np.zeros((2, 64, 64), dtype=np.float32)
    soft[0, 30:34] = 1 + 1e-6
    assert (exact_label(soft, 64) == exact_label(soft.clip(0, 1), 64)).all()
    with pytest.raises(ValueError, match="clamp it first"):
        exact_label(soft * 1.01, 64)
