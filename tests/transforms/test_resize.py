import numpy as np
import pytest

from monai_fundusgen.transforms.resize import area_resize, resize_masks


def by_repetition(array, height, width):
    """Area average the slow and obvious way: repeat every pixel, then average whole blocks."""
    rows, columns = array.shape[1:]
    fine = array.astype(np.float64).repeat(height, axis=1).repeat(width, axis=2)
    return fine.reshape(array.shape[0], height, rows, width, columns).mean(axis=(2, 4))


@pytest.mark.parametrize("target", [(1, 1), (5, 7), (4, 3), (3, 9), (8, 9), (2, 5)])
def test_equals_the_average_over_repeated_pixels(target):
    array = np.random.default_rng(0).random((2, 8, 9))
    assert area_resize(array, *target) == pytest.approx(by_repetition(array, *target), abs=1e-6)


@pytest.mark.parametrize("shape, target", [((61, 47), (16, 13)), ((700, 605), (256, 256)), ((33, 33), (32, 32))])
def test_keeps_the_mean(shape, target):
    array = np.random.default_rng(1).integers(0, 256, (3, *shape), dtype=np.uint8)
    assert area_resize(array, *target).mean(axis=(1, 2)) == pytest.approx(array.mean(axis=(1, 2)), abs=1e-3)


def test_a_thin_vessel_turns_grey_and_is_not_lost():
    label = np.zeros((1, 64, 64), dtype=bool)
    label[0, :, 31] = True
    soft = area_resize(label, 8, 8)
    assert soft[0, :, 3] == pytest.approx(np.full(8, 1 / 8))
    assert soft.sum() * 64 == pytest.approx(label.sum())


def test_growing_keeps_a_constant_constant_and_the_same_size_is_the_identity():
    constant = np.full((1, 5, 4), 0.7, dtype=np.float32)
    assert area_resize(constant, 16, 9) == pytest.approx(np.full((1, 16, 9), 0.7), abs=1e-6)
    array = np.random.default_rng(2).random((2, 6, 5)).astype(np.float32)
    assert (area_resize(array, 6, 5) == array).all()


@pytest.mark.parametrize("size", [32, 48, 50, 64, 100])
def test_a_mask_keeps_its_share_of_the_area_at_any_size(size):
    rows, columns = np.mgrid[:64, :64]
    planes = np.stack([np.abs(rows - 0.7 * columns) < 2, np.abs(rows + columns - 60) < 1, np.zeros((64, 64), bool)])
    found = resize_masks(planes, size)
    assert found.shape == (3, size, size) and found.dtype == bool
    assert found.mean(axis=(1, 2)) == pytest.approx(planes.mean(axis=(1, 2)), abs=2 / size**2, rel=0.02)
    assert not found[2].any() and resize_masks(planes | True, size).all()
    assert not (found & (area_resize(planes, size, size) < 0.05)).any()  # nothing far from what was there
