"""Names of the archives' files, written out by hand: the oracle for the table's patterns and templates."""

import re
from collections import Counter
from pathlib import Path

import pytest

from monai_fundusgen.data.cases import survey
from monai_fundusgen.data.layouts import LAYOUTS, find_layout

RITE = [
    f"{part}/{folder}/{n:02d}_{part}.{ending}"
    for part, numbers in (("training", range(21, 41)), ("test", range(1, 21)))
    for folder, ending in (("images", "tif"), ("av", "png"), ("vessel", "png"))
    for n in numbers
]
IOSTAR = (
    "01_OSC 02_ODC 03_OSN 05_ODC 06_ODN 08_OSN 09_OSN 10_OSN 13_OSN 15_OSN 16_OSN 17_ODN 20_ODC 21_OSC 24_OSC "
    "26_ODC 28_ODN 30_ODC 31_ODN 32_ODC 34_ODC 36_OSC 37_ODN 38_ODC 39_ODC 40_OSC 43_OSC 44_OSN 45_ODC 48_OSN"
)
STARE = "0001 0002 0003 0004 0005 0044 0077 0081 0082 0139 0162 0163 0235 0236 0239 0240 0255 0291 0319 0324"
FILES = {
    "drive": [
        f"{part}/{name}"
        for part, stem, numbers in (("training", "training", range(21, 41)), ("test", "test", range(1, 21)))
        for n in numbers
        for name in (
            f"images/{n:02d}_{stem}.tif", f"1st_manual/{n:02d}_manual1.gif", f"mask/{n:02d}_{stem}_mask.gif"
        )
    ],
    "rite": RITE,
    "hrf": [
        name
        for n in range(1, 16)
        for group, ending in (("dr", "JPG"), ("g", "jpg"), ("h", "jpg"))
        for name in (
            f"images/{n:02d}_{group}.{ending}", f"manual1/{n:02d}_{group}.tif", f"mask/{n:02d}_{group}_mask.tif",
            f"HRF_AV_GT/{n:02d}_{group}_AVmanual.png",
        )
    ],
    "les-av": [
        name
        for n in range(7, 29)
        for name in (
            f"images/{n}.png", f"arteries-and-veins/{n}.png", f"vessel-segmentations/{n}.png", f"masks/{n}_mask.gif"
        )
    ],
    "chase-db1": [
        name
        for n in range(1, 15)
        for side in "LR"
        for name in (
            f"Image_{n:02d}{side}.jpg", f"Image_{n:02d}{side}_1stHO.png", f"Image_{n:02d}{side}_2ndHO.png"
        )
    ],
    "stare": [name for n in STARE.split() for name in (f"stare-images/im{n}.ppm", f"labels-ah/im{n}.ah.ppm")],
    "iostar-av": [
        name
        for n in IOSTAR.split()
        for name in (
            f"image/STAR {n}.jpg", f"GT/STAR {n}_GT.tif", f"AV_GT/STAR {n}_AV.tif", f"mask/STAR {n}_Mask.tif"
        )
    ],
    "inspire-avr": [
        name for n in range(1, 41) for name in (f"INSPIRE-AVR/org/image{n}.jpg", f"AV_GT_INSPIRE-AVR/image{n}.tif")
    ],
    "fives": [
        f"{part}/{folder}/{n}_{'ADGN'[(n - 1) * 4 // count]}.png"
        for part, count in (("train", 600), ("test", 200))
        for folder in ("Original", "Ground truth")
        for n in range(1, count + 1)
    ],
    "paired": [f"{folder}/é {n}.png" for n in range(3) for folder in ("images", "av", "vessel", "fov")],
}  # fmt: skip
KEYS = {
    "drive": "vessel fov", "rite": "label vessel", "hrf": "label vessel fov", "les-av": "label vessel fov",
    "chase-db1": "vessel", "stare": "vessel", "iostar-av": "label vessel fov", "inspire-avr": "label",
    "fives": "vessel", "paired": "label vessel fov",
}  # fmt: skip


def tree(root: Path, names) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_file_of_the_archive_finds_its_place(tmp_path, name):
    layout = LAYOUTS[name]
    found = survey(layout, tree(tmp_path, FILES[name]))
    assert found.problems == []
    assert layout.num_cases in (None, len(found.cases))
    assert {" ".join(key for key in case.files if key != "image") for case in found.cases} == {KEYS[name]}
    used = {path.relative_to(tmp_path).as_posix() for case in found.cases for path in case.files.values()}
    assert used == {file for file in FILES[name] if "2ndHO" not in file}
    for case in found.cases:
        number = re.search(r"\d+", case.id)[0]
        assert all(number in path.name for path in case.files.values())


@pytest.mark.parametrize("name, counts", [
    ("drive", {"training": 20, "testing": 20}), ("rite", {"training": 20, "testing": 20}),
    ("fives", {"training": 600, "testing": 200}), ("hrf", {"training": 45}),
])  # fmt: skip
def test_official_splits(tmp_path, name, counts):
    found = survey(LAYOUTS[name], tree(tmp_path, FILES[name]))
    assert Counter(case.section for case in found.cases) == counts
    assert all(case.id >= "21" for case in found.cases if name in ("drive", "rite") and case.section == "training")


def test_both_eyes_of_a_chase_child_are_one_person(tmp_path):
    found = survey(LAYOUTS["chase-db1"], tree(tmp_path, FILES["chase-db1"]))
    assert set(Counter(case.patient for case in found.cases).values()) == {2}


@pytest.mark.parametrize("name", sorted(set(FILES) - {"paired"}))
def test_one_missing_label_is_named(tmp_path, name):
    root = tree(tmp_path, FILES[name])
    victim = next(file for file in FILES[name] if re.search("manual|av/|AV_|AVm|arteries|1stHO|labels|Ground", file))
    (root / victim).unlink()
    problems = survey(LAYOUTS[name], root).problems
    assert len(problems) == 1 and str(root / victim) in problems[0]


@pytest.mark.parametrize("name", sorted(set(FILES) - {"paired"}))
def test_one_missing_photograph_is_a_wrong_count(tmp_path, name):
    root = tree(tmp_path, FILES[name])
    (root / next(file for file in FILES[name] if re.search("images/|image/|org/|Original|L.jpg", file))).unlink()
    assert any("expected" in problem and "found" in problem for problem in survey(LAYOUTS[name], root).problems)


def test_hrf_without_the_artery_vein_maps_is_a_vessel_set(tmp_path):
    found = survey(LAYOUTS["hrf"], tree(tmp_path, [file for file in FILES["hrf"] if "AV_GT" not in file]))
    assert found.problems == [] and all("label" not in case.files for case in found.cases)


@pytest.mark.parametrize("asked, real", [
    (asked, real) for asked, real in [
        ("paired", "rite"), ("stare", "drive"), ("drive", "stare"), ("drive", "rite"), ("fives", "iostar-av"),
        ("les-av", "hrf"), ("hrf", "les-av"), ("rite", "chase-db1"), ("stare", "inspire-avr"), ("drive", "paired"),
    ]
])  # fmt: skip
def test_a_wrong_layout_is_told_which_one_fits(tmp_path, asked, real):
    root = tree(tmp_path, FILES[real])
    try:
        complaint = "\n".join(survey(LAYOUTS[asked], root).problems)
    except ValueError as error:
        complaint = str(error)
    assert re.search(rf"layout .*\b{real}\b", complaint), complaint


def test_a_set_one_folder_down_is_pointed_at(tmp_path):
    tree(tmp_path / "DRIVE", FILES["drive"])
    with pytest.raises(ValueError, match=re.escape(f"give {tmp_path / 'DRIVE'}")):
        survey(LAYOUTS["drive"], tmp_path)


def test_an_empty_or_missing_folder_is_told_as_such(tmp_path):
    with pytest.raises(ValueError, match="it holds nothing; layout drive keeps its photographs in training/images"):
        survey(LAYOUTS["drive"], tmp_path)
    with pytest.raises(FileNotFoundError, match="no such folder"):
        survey(LAYOUTS["drive"], tmp_path / "absent")
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="a file"):
        survey(LAYOUTS["drive"], tmp_path / "file")


@pytest.mark.parametrize("typed, meant", [
    ("Drive", "drive"), ("CHASE_DB1", "chase-db1"), (" les_av ", "les-av"), ("Paired", "paired"),
])  # fmt: skip
def test_layout_names_are_forgiving(typed, meant):
    assert find_layout(typed).name == meant


@pytest.mark.parametrize(
    "typed, meant", [("dirve", "drive"), ("chase", "chase-db1"), ("hrf-av", "hrf"), ("pared", "paired")]
)
def test_a_misspelt_layout_is_suggested(typed, meant):
    with pytest.raises(ValueError, match=f"did you mean {meant}.*known layouts: paired, drive"):
        find_layout(typed)


def test_a_name_like_no_layout_gets_the_list():
    with pytest.raises(ValueError, match="no layout 'qqq'; known layouts"):
        find_layout("qqq")


def test_every_layout_says_whose_labels_and_which_split():
    for layout in LAYOUTS.values():
        assert layout.annotator and layout.split and layout.title
        assert layout.reference or layout.name == "paired"


def test_the_reference_page_lists_every_layout_with_its_numbers():
    page = (Path(__file__).parents[2] / "docs" / "reference" / "layouts.md").read_text(encoding="utf-8")
    for layout in LAYOUTS.values():
        cells = next(line.split("|") for line in page.splitlines() if line.startswith(f"| `{layout.name}` |"))
        images, size, angle = (cell.strip() for cell in cells[2:5])
        assert images == str(layout.num_cases or "any")
        assert size == ("{} x {}".format(*layout.size) if layout.size else size)
        assert angle == (f"{layout.field_deg:g}°" if layout.field_deg else "any")
