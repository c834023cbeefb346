"""Folders of label maps that cannot become samples."""

import numpy as np
import pytest
from PIL import Image


def laid(name, pixels, fov=None, **options):
    def lay(root):
        (root / "maps").mkdir()
        pixels_now = pixels() if callable(pixels) else pixels
        image = pixels_now if isinstance(pixels_now, Image.Image) else Image.fromarray(pixels_now)
        image.save(root / "maps" / name, **options)
        if fov is not None:
            (root / "fov").mkdir()
            Image.fromarray(fov).save(root / "fov" / name)

    return lay


def raw(name, content):
    def lay(root):
        (root / "maps").mkdir()
        (root / "maps" / name).write_bytes(content)

    return lay


def square(level, side=1024, dtype=np.uint8, channels=()):
    pixels = np.zeros((side, side, *channels), dtype)
    pixels[side // 4 : side // 2, side // 4 : side // 2] = level
    return pixels


def wide(level):
    pixels = np.zeros((584, 565), np.uint8)
    pixels[200:300, 200:300] = level
    return pixels


MADE = "generate -n 1 -o new --mask-source folder --mask-folder maps"
CASES = [
    ("no folder told", "generate -n 1 -o new --mask-source folder", ["mask_source: found 'folder'", "mask_folder"]),
    ("a missing folder", MADE, ["maps: no such folder", "mask_folder"]),
    ("an empty folder", MADE, ["maps: no PNG there", "mask_folder"], lambda root: (root / "maps").mkdir()),
    ("0 and 255", MADE, ["map.png", "colours found: 0, 255", "expected codes"], laid("map.png", square(255))),
    ("one bit", MADE, ["map.png", "0, 255", "kind of a vessel"], laid("map.png", Image.fromarray(square(255)).convert("1"))),
    ("white alone", MADE, ["map.png", "no artery and no vein", "leave the file out"],
     laid("map.png", np.full((1024, 1024), 255, np.uint8))),
    ("all black", MADE, ["map.png", "colours found: 0", "leave the file out"], laid("map.png", square(0))),
    ("level 77", MADE, ["map.png", "77", "expected"], laid("map.png", square(77))),
    ("an unknown colour", MADE, ["map.png", "(90, 10, 10)", "expected"],
     laid("map.png", square((90, 10, 10), channels=(3,)))),
    ("16 bits", MADE, ["map.png", "more than 8 bits", "8-bit"], laid("map.png", square(1, dtype=np.uint16))),
    ("a smoothed map", MADE, ["map.png", "unknown label colour", "lossless"],
     laid("map.png", lambda: np.tile(np.arange(1024) % 251, (1024, 1)).astype(np.uint8))),
    ("one pixel", MADE, ["map.png: 1 x 1 px", "--fit"], laid("map.png", np.ones((1, 1), np.uint8))),
    ("a wide map", MADE, ["map.png: 565 x 584 px", "--fit crop", "--fit pad"], laid("map.png", wide(1))),
    ("a small map", MADE, ["map.png: 64 x 64 px", "set size to 64", "--fit"], laid("map.png", square(1, 64))),
    ("a map that is huge", MADE, ["map.png: 9000 x 10 px", "8192"], laid("map.png", np.ones((10, 9000), np.uint8))),
    ("a cut map", MADE, ["map.png", "cannot be read"], raw("map.png", b"\x89PNG\r\n\x1a\n" + bytes(30))),
    ("an empty map", MADE, ["map.png", "cannot be read"], raw("map.png", b"")),
    ("a text", MADE, ["map.png", "cannot be read"], raw("map.png", b"not a picture at all")),
    ("a field of another size", MADE, ["fov/map.png", "1024 x 1024", "same size"],
     laid("map.png", square(1), np.full((9, 9), 255, np.uint8))),
    ("an empty field", MADE, ["fov/map.png", "empty"], laid("map.png", square(1), np.zeros((1024, 1024), np.uint8))),
    ("vessels outside the field", MADE, ["map.png", "in its field of view"],
     laid("map.png", square(1), np.pad(np.full((9, 9), 255, np.uint8), ((0, 1015), (0, 1015))))),
    ("a folder that is a file", "generate -n 1 -o new --mask-source folder --mask-folder set/README.md",
     ["set/README.md: a file", "mask_folder"]),
]  # fmt: skip


def test_it_is_told(case, world):
    world.check(case)


@pytest.mark.parametrize("fit", ["crop", "pad"])
def test_a_wide_map_is_brought_to_size(fit, world):
    laid("map.png", wide(1))(world.root)
    answer = world.run(f"generate -n 1 -o new --mask-source folder --mask-folder maps --fit {fit} --quiet")
    assert answer.code == 0, answer.err
    label = np.asarray(Image.open(world.root / "new" / "labels" / "eye000000.png"))
    side = {"crop": 565, "pad": 584}[fit]
    assert label.shape == (1024, 1024) and (label == 1).sum() == pytest.approx(100**2 * (1024 / side) ** 2, rel=0.05)


def test_a_changed_map_is_another_run(world):
    from monai_fundusgen.sampling.label_maps import LabelMaps

    laid("map.png", square(1, 64))(world.root)
    first = LabelMaps(world.root / "maps", 64).identity()
    Image.fromarray(square(2, 64)).save(world.root / "maps" / "map.png")
    assert LabelMaps(world.root / "maps", 64).identity() != first
