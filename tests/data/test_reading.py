import numpy as np
import pytest
from PIL import Image

from monai_fundusgen.data.reading import read_av, read_fov, read_rgb, read_vessel
from monai_fundusgen.transforms.av_codec import encode_av, planes_to_colours

VESSELS = np.zeros((2, 7, 11), dtype=bool)  # higher than wide would do as well; square would hide exchanged axes
VESSELS[0, 2, 1:9] = VESSELS[1, 1:6, 4] = True
COLOURS = np.moveaxis(planes_to_colours(VESSELS), 0, -1)


def palette_image():
    return Image.fromarray(COLOURS).quantize(8, dither=Image.Dither.NONE)


def with_alpha():
    return Image.fromarray(np.dstack([COLOURS, np.full(COLOURS.shape[:2], 7, dtype=np.uint8)]))


def code_map():
    return Image.fromarray(encode_av(VESSELS))


@pytest.mark.parametrize("image, name", [
    (Image.fromarray(COLOURS), "a.png"),
    (Image.fromarray(COLOURS), "a.tif"),
    (Image.fromarray(COLOURS), "a.ppm"),
    (Image.fromarray(COLOURS), "a.bmp"),
    (palette_image(), "a.gif"),
    (palette_image(), "palette.png"),
    (palette_image(), "palette.tif"),
    (with_alpha(), "rgba.png"),
    (code_map(), "codes.png"),
    (code_map(), "codes.tif"),
])  # fmt: skip
def test_a_label_reads_the_same_from_every_format(tmp_path, image, name):
    image.save(tmp_path / name)
    planes = read_av(tmp_path / name)
    assert (np.stack([planes.artery, planes.vein]) == VESSELS).all()
    assert not planes.uncertain.any()


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.ppm", "a.bmp"])
def test_a_photograph_keeps_its_axes_and_colours(tmp_path, name):
    pixels = np.random.default_rng(0).integers(0, 256, (7, 11, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / name)
    assert (read_rgb(tmp_path / name) == pixels.transpose(2, 0, 1)).all()


def test_a_grey_photograph_has_three_equal_channels(tmp_path):
    pixels = np.arange(77, dtype=np.uint8).reshape(7, 11)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert (read_rgb(tmp_path / "a.png") == pixels).all()


@pytest.mark.parametrize("mode, name", [
    ("1", "a.png"), ("L", "a.png"), ("P", "a.gif"), ("RGB", "a.ppm"), ("RGBA", "a.png"), ("1", "a.tif"),
])  # fmt: skip
def test_a_binary_map_reads_the_same_from_every_format(tmp_path, mode, name):
    Image.fromarray(VESSELS[0].astype(np.uint8) * 255).convert(mode).save(tmp_path / name)
    assert (read_vessel(tmp_path / name) == VESSELS[0]).all()
    assert (read_fov(tmp_path / name) == VESSELS[0]).all()


def test_zero_and_one_are_as_good_as_zero_and_255(tmp_path):
    Image.fromarray(VESSELS[0].astype(np.uint8)).save(tmp_path / "a.png")
    assert (read_vessel(tmp_path / "a.png") == VESSELS[0]).all()
    assert (read_fov(tmp_path / "a.png") == VESSELS[0]).all()


def test_a_smoothed_vessel_map_is_refused_with_its_level_and_pixel(tmp_path):
    pixels = VESSELS[0].astype(np.uint8) * 255
    pixels[3, 5] = 128
    Image.fromarray(pixels).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"a\.png.* 128 stands at row 3, column 5"):
        read_vessel(tmp_path / "a.png")


def test_a_jpeg_label_is_refused(tmp_path):
    Image.fromarray(np.kron(COLOURS, np.ones((8, 8, 1), dtype=np.uint8))).save(tmp_path / "a.jpg")
    with pytest.raises(ValueError, match=r"a\.jpg: unknown label colour"):
        read_av(tmp_path / "a.jpg")


def test_a_field_of_view_saved_as_jpeg_is_read(tmp_path):
    fov = np.zeros((64, 64), dtype=np.uint8)
    fov[8:56, 16:48] = 255
    Image.fromarray(fov).save(tmp_path / "a.jpg")
    assert (read_fov(tmp_path / "a.jpg") == (fov > 0)).all()


def test_an_empty_field_of_view_is_refused(tmp_path):
    Image.fromarray(np.zeros((5, 6), dtype=np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"a\.png: the field-of-view mask is empty"):
        read_fov(tmp_path / "a.png")


@pytest.mark.parametrize("name, options", [("a.png", {}), ("a.jpg", {}), ("a.tif", {}), ("a.gif", {}), ("a.ppm", {})])
@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 0.9])
def test_a_truncated_file_is_named(tmp_path, name, options, share):
    path = tmp_path / name
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    (image.quantize() if name.endswith("gif") else image).save(path, **options)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises((OSError, ValueError), match=name):
        read_rgb(path)


def test_what_is_no_image_is_named(tmp_path):
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    for name in ("text.png", "folder.png", "loop.png", "absent.png"):
        with pytest.raises(OSError, match=name):
            read_rgb(tmp_path / name)


def test_sixteen_bits_are_refused_and_not_clipped(tmp_path):
    Image.fromarray(np.full((5, 6), 4000, dtype=np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(ValueError, match=r"deep\.png.*8 bits"):
        read_rgb(tmp_path / "deep.png")


def test_a_photograph_that_viewers_turn_is_refused(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(COLOURS).save(tmp_path / "turned.jpg", exif=exif)
    with pytest.raises(ValueError, match=r"turned\.jpg.*EXIF"):
        read_rgb(tmp_path / "turned.jpg")
