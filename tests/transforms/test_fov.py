import numpy as np
import pytest

from monai_fundusgen.conventions import FIELD_FILL
from monai_fundusgen.transforms.fov import Circle, estimate_fov, field_circle, square_crop
from monai_fundusgen.vessels.field import Field


def disc(height, width, circle):
    rows, columns = np.ogrid[:height, :width]
    return np.hypot(rows - circle.row, columns - circle.column) <= circle.radius


def photograph_of(fov, rng):
    """Bright ground with dark vessels inside the field, sensor noise outside."""
    ground = np.where(fov, 90, 0) + rng.integers(0, 12, fov.shape)
    ground[::17, 100:200] = np.where(fov, 8, ground)[::17, 100:200]  # dark vessels
    return np.stack([ground, ground // 2, ground // 4]).astype(np.uint8)


@pytest.mark.parametrize("circle, cut", [
    (Circle(100, 150, 90), None),
    (Circle(99.5, 149.5, 95), (20, 180)),  # flat at top and bottom
    (Circle(100, 150, 140), None),  # cut by the image border at top and bottom
    (Circle(110, 140, 60), (70, 199)),
])  # fmt: skip
def test_the_field_circle_is_found_where_it_was_drawn(circle, cut):
    fov = disc(200, 300, circle)
    if cut:
        fov[: cut[0]] = fov[cut[1] :] = False
    found = field_circle(fov)
    assert found == pytest.approx(circle, abs=0.5)


def test_a_camera_notch_does_not_move_the_circle():
    circle = Circle(100, 150, 90)
    fov = disc(200, 300, circle) | disc(200, 300, Circle(60, 230, 8))
    assert field_circle(fov) == pytest.approx(circle, abs=0.5)


@pytest.mark.parametrize("cut", [1.0, 0.7])
def test_the_phantoms_field_lies_where_the_conventions_say(cut):
    found = field_circle(Field(cut=cut).mask(256))
    assert found == pytest.approx((127.5, 127.5, FIELD_FILL * 128), abs=0.5)


@pytest.mark.parametrize("cut", [1.0, 0.9, 0.7])
@pytest.mark.parametrize("size", [64, 256, 1024])
def test_squaring_leaves_a_square_of_this_package_as_it_is(cut, size):
    mask = Field(cut=cut).mask(size)
    assert np.array_equal(square_crop(mask[None], field_circle(mask))[0], mask)


def test_a_field_without_an_arc_gets_the_circle_of_its_box():
    assert field_circle(np.ones((20, 30), dtype=bool)) == pytest.approx((9.5, 14.5, 15))


def test_an_empty_field_is_an_error():
    with pytest.raises(ValueError, match="empty"):
        field_circle(np.zeros((9, 9), dtype=bool))
    with pytest.raises(ValueError, match="brighter"):
        estimate_fov(np.zeros((3, 9, 9), dtype=np.uint8))


def test_the_field_is_found_on_the_photograph_in_spite_of_vessels_noise_and_text():
    rng = np.random.default_rng(0)
    fov = disc(200, 300, Circle(100, 150, 90))
    image = photograph_of(fov, rng)
    image[:, 5:12, 5:40] = 255  # camera text in a corner
    image[:, 190, 280] = 255  # hot pixel
    found = estimate_fov(image)
    assert 2 * (found & fov).sum() / (found.sum() + fov.sum()) > 0.99
    assert not found[:12, :40].any()


@pytest.mark.parametrize("circle", [Circle(50, 60, 30), Circle(10, 20, 30), Circle(95, 110, 40)])
def test_the_square_is_centred_on_the_circle_and_padded_with_black(circle):
    array = np.ones((2, 100, 120), dtype=np.float32)
    array[0] = disc(100, 120, circle)
    square = square_crop(array, circle)
    side = round(2 * circle.radius / FIELD_FILL)
    assert square.shape == (2, side, side)
    expected = disc(side, side, Circle((side - 1) / 2, (side - 1) / 2, circle.radius))
    inside = square[1] > 0
    assert (square[0].astype(bool) ^ (expected & inside)).mean() < 0.03
    assert inside.sum() == square[1].sum()


def test_cropping_keeps_the_picture_upright():
    array = np.arange(100 * 120, dtype=np.float32).reshape(1, 100, 120)
    square = square_crop(array, Circle(50.5, 60.5, 0.97 * 20))
    assert (square == array[:, 31:71, 41:81]).all()
