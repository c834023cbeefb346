import numpy as np
import pytest

from monai_fundusgen.conventions import FIELD_FILL
from monai_fundusgen.vessels.field import Field


@pytest.mark.parametrize("size", [100, 101])
@pytest.mark.parametrize("centre", [(0.0, 0.0), (3.1, -0.4)])
def test_to_pixels_inverts_the_grid(size, centre):
    field = Field(45.0, centre)
    x, y = np.broadcast_arrays(*field.grid_mm(size))
    points = np.stack([x.ravel(), y.ravel()], 1)
    rows, columns = np.mgrid[:size, :size]
    assert field.to_pixels(points, size) == pytest.approx(np.stack([columns.ravel(), rows.ravel()], 1), abs=1e-9)


@pytest.mark.parametrize("cut", [1.0, 0.7])
def test_the_mask_has_the_area_of_the_cut_circle(cut):
    field, size = Field(50.0, (1.0, 2.0), cut), 512
    points = np.random.default_rng(0).uniform(-1, 1, (200_000, 2))
    share = ((np.hypot(*points.T) < 1) & (np.abs(points[:, 1]) < cut)).mean() * FIELD_FILL**2
    assert field.mask(size).mean() == pytest.approx(share, rel=0.01)
    assert np.array_equal(field.mask(size), field.mask(size)[::-1, ::-1])


def test_one_degree_is_as_long_at_every_field():
    assert Field(30.0).radius_mm / 15 == pytest.approx(Field(60.0).radius_mm / 30)
    assert Field(45.0).pixel_mm(512) == pytest.approx(2 * Field(45.0).pixel_mm(1024))
