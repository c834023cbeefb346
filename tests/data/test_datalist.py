import dataclasses
import importlib
import json
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from monai.data import load_decathlon_datalist
from PIL import Image

from monai_fundusgen.data.cases import Case
from monai_fundusgen.data.datalist import build_datalist, describe, write_datalist
from monai_fundusgen.data.layouts import find_layout
from monai_fundusgen.data.loading import load_datalist
from monai_fundusgen.data.splitting import spread_by_person

PAIRED = find_layout("paired")


def built(root, **options):
    return build_datalist(PAIRED, root, root, **options)


def complaint(root, **options):
    with pytest.raises((ValueError, OSError)) as caught:
        built(root, **options)
    return str(caught.value)


def written(root, datalist):
    write_datalist(root / "datalist.json", datalist)
    return root / "datalist.json"


def test_the_datalist_survives_the_hosts_loader(paired_set, tmp_path, monkeypatch):
    root = paired_set(name="my eyes é")
    (root / "training").mkdir()  # a string of an item that exists on disk would be turned into a path
    path = written(root, built(root))
    monkeypatch.chdir(tmp_path)
    for item in load_decathlon_datalist(path, True, "training", base_dir=root):
        assert set(item) == {"image", "label", "vessel", "fov", "fold"}
        assert all(Path(item[key]).is_file() for key in ("image", "label", "vessel", "fov"))
        assert type(item["fold"]) is int
    assert load_decathlon_datalist(path, True, "validation") == []
    assert load_decathlon_datalist(path, True, "testing") == []


def test_the_top_level_says_what_it_is(paired_set):
    datalist = built(paired_set())
    assert {"name", "description", "licence", "reference", "labels", "modality"} <= set(datalist)
    assert datalist["labels"] == {"0": "background", "1": "artery", "2": "vein", "3": "crossing"}
    assert (datalist["numTraining"], datalist["numValidation"], datalist["numTest"]) == (4, 0, 0)
    assert datalist["name"] == "eyes"


def test_paths_are_relative_below_the_datalist_and_absolute_elsewhere(paired_set, tmp_path):
    root = paired_set()
    assert built(root)["training"][0]["image"] == "images/eye_0.png"
    assert build_datalist(PAIRED, root, tmp_path)["training"][0]["label"] == "eyes/av/eye_0.png"
    (tmp_path / "elsewhere").mkdir()
    far = build_datalist(PAIRED, root, tmp_path / "elsewhere")["training"][0]["fov"]
    assert far == (root / "fov" / "eye_0.png").as_posix()


def test_the_file_is_ascii_and_the_same_every_time(paired_set):
    root = paired_set(name="œil gauche")
    first = written(root, build_datalist(PAIRED, root, root.parent / "other")).read_bytes()
    assert first.isascii()
    assert written(root, build_datalist(PAIRED, root, root.parent / "other")).read_bytes() == first
    assert "œil" in load_datalist(root / "datalist.json")[0]["image"]


def test_a_set_without_artery_vein_labels_has_vessels_for_labels(paired_set):
    root = paired_set(folders=("vessel",))
    datalist = built(root)
    assert datalist["labels"] == {"0": "background", "1": "vessel"}
    assert datalist["training"][0]["label"] == datalist["training"][0]["vessel"] == "vessel/eye_0.png"
    assert "fov" not in datalist["training"][0]


def test_photographs_alone_are_not_enough(paired_set):
    assert "artery/vein label" in complaint(paired_set(folders=("fov",)))


@pytest.mark.parametrize("share, count", [(0.25, 3), (0.5, 6)])
def test_validation_takes_a_share_of_the_persons(paired_set, share, count):
    datalist = built(paired_set(12), validation=share)
    names = [{item["image"] for item in datalist[section]} for section in ("training", "validation")]
    assert len(names[1]) == datalist["numValidation"] == count
    assert len(names[0] | names[1]) == 12
    assert all("fold" not in item for item in datalist["validation"])


def test_shares_and_folds_depend_on_the_seed_alone(paired_set):
    root = paired_set(12)
    one, again, other = (built(root, validation=0.25, testing=0.25, seed=seed) for seed in (1, 1, 2))
    assert one == again and one != other
    assert (one["numTraining"], one["numValidation"], one["numTest"]) == (7, 2, 3)


def test_folds_are_even(paired_set):
    folds = Counter(item["fold"] for item in built(paired_set(7), folds=3)["training"])
    assert sorted(folds) == [0, 1, 2] and max(folds.values()) - min(folds.values()) <= 1


def persons(groups=("a", "b"), each=10, eyes=2):
    return [
        Case(f"{group}{person}{eye}", "training", {}, f"{group}{person}", group)
        for group in groups
        for person in range(each)
        for eye in range(eyes)
    ]


def test_a_share_is_drawn_evenly_from_every_group():
    for seed in range(20):
        chosen = spread_by_person(persons(), 0.4, seed)
        assert Counter(person[0] for person in chosen) == {"a": 4, "b": 4}


def test_both_eyes_of_a_person_stay_together(tmp_path):
    layout = find_layout("chase-db1")
    small = dataclasses.replace(layout, size=None, sections=(dataclasses.replace(layout.sections[0], num_cases=16),))
    for person in range(1, 9):
        for side in "LR":
            Image.fromarray(np.full((9, 8, 3), 99, dtype=np.uint8)).save(tmp_path / f"Image_0{person}{side}.jpg")
            Image.fromarray(np.eye(9, 8, dtype=bool)).save(tmp_path / f"Image_0{person}{side}_1stHO.png")
    datalist = build_datalist(small, tmp_path, tmp_path, validation=0.25, testing=0.25, folds=2)
    where = {}
    for section in ("training", "validation", "testing"):
        for item in datalist[section]:
            where.setdefault(item["image"][:8], set()).add((section, item.get("fold")))
    assert len(where) == 8 and all(len(places) == 1 for places in where.values())
    assert datalist["labels"]["1"] == "vessel" and datalist["name"] == "chase-db1"


def test_an_id_that_comes_again_in_the_test_half_is_another_person(tmp_path):
    layout = find_layout("fives")
    sections = tuple(dataclasses.replace(section, num_cases=2) for section in layout.sections)
    for name in ("train", "test"):
        for case in ("1_A", "2_N"):
            for folder, pixels in (("Original", np.full((9, 8, 3), 99)), ("Ground truth", np.eye(9, 8) * 255)):
                (tmp_path / name / folder).mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / name / folder / f"{case}.png")
    datalist = build_datalist(dataclasses.replace(layout, size=None, sections=sections), tmp_path, tmp_path)
    assert (datalist["numTraining"], datalist["numTest"]) == (2, 2)
    assert datalist["testing"][0]["label"] == "test/Ground truth/1_A.png"


def test_a_roundabout_path_is_the_same_set(paired_set, monkeypatch):
    root = paired_set()
    monkeypatch.chdir(root / "images")
    assert build_datalist(PAIRED, "..", "../../eyes") == built(root)


@pytest.mark.parametrize("options, wrong", [
    ({"validation": 1.0}, "share 1.0; expected at least 0 and below 1"),
    ({"testing": -0.1}, "share -0.1"),
    ({"validation": 0.01}, "share of 0.01 of 4 persons is 0"),
    ({"folds": 0}, "folds 0"),
])  # fmt: skip
def test_bad_shares_are_refused(paired_set, options, wrong):
    assert wrong in complaint(paired_set(), **options)


def manifest(root, *rows, header="id,split,group,image,av,vessel,fov,width,height"):
    (root / "manifest.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")


def row(number, split="training", group="", width="60", height="40", av="av"):
    label = f"{av}/eye_{number}.png" if av else ""
    return f"e{number},{split},{group},images/eye_{number}.png,{label},vessel/eye_{number}.png,,{width},{height}"


def test_the_manifest_decides_on_split_and_files(paired_set):
    root = paired_set()
    manifest(root, row(0), row(1, "validation"), row(2, "test"))
    datalist = built(root)
    assert [datalist[section][0]["image"][-5] for section in ("training", "validation", "testing")] == ["0", "1", "2"]
    assert "fov" not in datalist["training"][0]
    assert "has its own testing part" in complaint(root, testing=0.3)


def test_a_bad_manifest_is_explained_line_by_line(paired_set):
    root = paired_set()
    manifest(
        root, row(0, split="trian"), row(1, width="61"), row(2, av="gone"), row(3).replace("e3", "", 1), row(0), row(0)
    )
    found = complaint(root)
    assert "line 2: split 'trian'; expected training, validation or testing" in found
    assert "eye_1.png: 60 x 40 px; the set has 61 x 40" in found
    assert "line 4: no such file" in found and "gone/eye_2.png" in found
    assert "line 5: no id or no image" in found
    assert "e0: 2 photographs bear this name" in found
    manifest(root)
    assert "lists no case" in complaint(root)


def test_labels_in_some_rows_only_are_refused(paired_set):
    root = paired_set()
    manifest(root, row(0), row(1, av=""))
    assert "1 of 2 training cases have an artery/vein label" in complaint(root)


def test_a_person_in_two_parts_is_refused(paired_set):
    root = paired_set()
    header = "id,split,patient,image,av"
    rows = [f"{n},{split},anna,images/eye_{n}.png,av/eye_{n}.png" for n, split in enumerate(("training", "testing"))]
    manifest(root, *rows, header=header)
    assert "person anna is in training and in testing" in complaint(root)


def spoil_label(root):
    pixels = np.array(Image.open(root / "av" / "eye_0.png"))
    pixels[3, 7] = (255, 255, 0)
    Image.fromarray(pixels).save(root / "av" / "eye_0.png")


def cut_in_half(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def blank(path):
    Image.fromarray(np.zeros((40, 60), dtype=np.uint8)).save(path)


SPOILERS = {
    "missing label": (
        lambda root: (root / "av" / "eye_1.png").unlink(), ["images/eye_1.png: no label file", "av/eye_1.png"]
    ),
    "missing photograph": (
        lambda root: (root / "images" / "eye_1.png").unlink(), ["av/eye_1.png: no photograph", "images/eye_1"]
    ),
    "size": (
        lambda root: Image.fromarray(np.full((40, 59), 255, dtype=np.uint8)).save(root / "fov" / "eye_2.png"),
        ["fov/eye_2.png: 59 x 40 px; its photograph has 60 x 40"],
    ),
    "colour": (spoil_label, ["av/eye_0.png: unknown label colour (255, 255, 0) at row 3, column 7 (1 pixels"]),
    "truncated photograph": (
        lambda root: cut_in_half(root / "images" / "eye_3.png"), ["images/eye_3.png: cannot be read"]
    ),
    "truncated label": (lambda root: cut_in_half(root / "av" / "eye_3.png"), ["av/eye_3.png: cannot be read"]),
    "empty field": (lambda root: blank(root / "fov" / "eye_0.png"), ["fov/eye_0.png: the field-of-view mask is empty"]),
    "empty label": (
        lambda root: blank(root / "av" / "eye_0.png"), ["av/eye_0.png: no artery and no vein", "all black"]
    ),
    "empty vessels": (
        lambda root: blank(root / "vessel" / "eye_0.png"), ["vessel/eye_0.png: the vessel map is all black"]
    ),
    "binary map as label": (
        lambda root: (root / "av" / "eye_0.png").write_bytes((root / "vessel" / "eye_0.png").read_bytes()),
        ["av/eye_0.png: no artery and no vein", "binary vessel map"],
    ),
    "link in a circle": (
        lambda root: (root / "fov" / "eye_0.png").unlink() or os.symlink("eye_0.png", root / "fov" / "eye_0.png"),
        ["fov/eye_0.png: cannot be read"],
    ),
    "dead link": (
        lambda root: (root / "av" / "eye_0.png").unlink() or os.symlink("gone.png", root / "av" / "eye_0.png"),
        ["av/eye_0.png: no such file"],
    ),
    "folder for a file": (
        lambda root: (root / "av" / "eye_0.png").unlink() or (root / "av" / "eye_0.png").mkdir(),
        ["av/eye_0.png: cannot be read"],
    ),
    "two photographs of one name": (
        lambda root: Image.open(root / "images" / "eye_0.png").save(root / "images" / "eye_0.tif"),
        ["eye_0: 2 photographs bear this name"],
    ),
    "no labels at all": (
        lambda root: [path.rename(path.with_name(f"x{path.name}")) for path in sorted((root / "av").iterdir())],
        ["not one of 4 photographs has its label file", "av/xeye_0.png: no photograph"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("spoil, named", SPOILERS.values(), ids=SPOILERS)
def test_what_is_wrong_is_named(paired_set, spoil, named):
    root = paired_set()
    spoil(root)
    found = complaint(root)
    assert all(name in found for name in named), found
    assert "nothing written" in found


def test_everything_wrong_is_listed_at_once(paired_set):
    root = paired_set()
    for name in ("missing label", "colour", "truncated photograph", "size"):
        SPOILERS[name][0](root)
    found = complaint(root)
    assert "4 things wrong with it as layout paired" in found
    assert all(
        part in found for name in ("missing label", "colour", "truncated photograph") for part in SPOILERS[name][1]
    )


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_named(paired_set):
    root = paired_set()
    (root / "av" / "eye_0.png").chmod(0)
    assert "av/eye_0.png: cannot be read" in complaint(root)


def test_links_to_folders_and_hidden_files_do_no_harm(paired_set):
    root = paired_set()
    os.symlink("..", root / "images" / "up.png.d")
    os.symlink("images", root / "images" / "loop")
    (root / "images" / "._eye_0.png").write_text("left by another system")
    (root / "av" / ".DS_Store").touch()
    assert built(root)["numTraining"] == 4


def test_a_missing_output_folder_is_named(paired_set, tmp_path):
    with pytest.raises(FileNotFoundError, match="absent: no such folder"):
        write_datalist(tmp_path / "absent" / "datalist.json", built(paired_set()))


def test_the_summary_counts_sections_and_files(paired_set):
    datalist = built(paired_set(6, folders=("av",)), validation=0.34)
    summary = describe(datalist, "x/datalist.json")
    assert "4 training, 2 validation, 0 testing" in summary and "image 6, label 6, vessel 0, fov 0" in summary


@pytest.mark.data
def test_the_hrf_development_set(hrf_av, tmp_path):
    datalist = build_datalist(PAIRED, hrf_av, tmp_path)
    path = tmp_path / "datalist.json"
    write_datalist(path, datalist)
    assert (len(load_datalist(path, "training", needs=("label", "fov"))), len(load_datalist(path, "testing"))) == (
        24,
        12,
    )
    names = {section: {Path(item["image"]).stem for item in datalist[section]} for section in ("training", "testing")}
    assert not names["training"] & names["testing"]
    for fold in range(5):
        groups = Counter(Path(i["image"]).stem.split("_")[1] for i in datalist["training"] if i["fold"] == fold)
        assert set(groups) == {"dr", "g", "h"}
    assert json.loads(path.read_text())["numTest"] == 12


def test_a_black_photograph_is_refused(paired_set):
    root = paired_set()
    Image.fromarray(np.full((40, 60, 3), 3, dtype=np.uint8)).save(root / "images" / "eye_2.png")
    assert "images/eye_2.png: the photograph is black (no value above 3 of 255)" in complaint(root)


def test_how_the_files_hold_their_codes_is_told_and_who_reads_them(paired_set):
    root = paired_set()
    coloured = built(root)
    assert coloured["label_files"].startswith("colours (red artery") and coloured["reader"].endswith("LoadFundusd")
    for path in (root / "av").iterdir():
        Image.fromarray(np.eye(40, 60, dtype=np.uint8) * 2).save(path)
    assert built(root)["label_files"] == "codes 0 to 3"
    assert "codes 0 to 3; read them with monai_fundusgen.data.loading.LoadFundusd" in describe(built(root), "x.json")
    assert built(paired_set(name="bare", folders=("vessel",)))["label_files"] == "two levels, black and vessel"


def test_the_reader_that_is_named_gives_the_codes_that_are_promised(paired_set):
    path = written(root := paired_set(), built(root))
    module, name = built(root)["reader"].rsplit(".", 1)
    reader = getattr(importlib.import_module(module), name)(("label",))
    loaded = reader(load_datalist(path)[0])["label"]
    assert loaded.shape[0] == 2 and {1.0} <= set(np.unique(loaded)) <= {0.0, 1.0}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"training": []}', b"\xff\xfe", b"my notes"])
def test_a_file_that_is_no_datalist_of_ours_is_not_overwritten(paired_set, content):
    root = paired_set()
    (root / "datalist.json").write_bytes(content)
    with pytest.raises(FileExistsError, match="no datalist that `fundusgen datalist` wrote.*another file"):
        written(root, built(root))
    assert (root / "datalist.json").read_bytes() == content


def test_a_datalist_of_ours_is_written_anew(paired_set):
    root = paired_set()
    written(root, built(root, folds=2))
    assert written(root, built(root, folds=3)).is_file()
    with pytest.raises(IsADirectoryError, match="a folder; name the file"):
        write_datalist(root / "images", built(root))


@pytest.mark.parametrize("parts", [("",), ("training/", "test/")])
def test_the_split_of_les_av_is_kept_where_its_copy_has_one(tmp_path, parts):
    layout = find_layout("les-av")
    pixels = {
        "images/{}.png": np.full((9, 8, 3), 99, np.uint8), "masks/{}_mask.gif": np.full((9, 8), 255, np.uint8),
        "arteries-and-veins/{}.png": np.eye(9, 8, dtype=np.uint8), "vessel-segmentations/{}.png": np.eye(9, 8) > 0,
    }  # fmt: skip
    for number in range(22):
        for name, array in pixels.items():
            path = tmp_path / parts[number % len(parts)] / name.format(number)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(array).save(path)
    datalist = build_datalist(layout, tmp_path, tmp_path)
    assert (datalist["numTraining"], datalist["numTest"]) == ((22, 0) if len(parts) == 1 else (11, 11))
