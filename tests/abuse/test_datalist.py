"""Folders, tables and options of `datalist`."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.reference import ct_scans

PAIRED = "datalist paired eyes"


def save(path: Path, pixels) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, dtype=np.uint8)).save(path)


def eyes(root, count=3):
    """Photographs, labels, vessel maps and fields of a small set."""
    label = np.zeros((40, 60, 3))
    label[12, 5:50, 0] = label[5:35, 30, 2] = 255
    for number in range(count):
        save(root / "eyes" / "images" / f"e{number}.png", np.full((40, 60, 3), 90))
        save(root / "eyes" / "av" / f"e{number}.png", label)
        save(root / "eyes" / "vessel" / f"e{number}.png", label.max(axis=-1))
        save(root / "eyes" / "fov" / f"e{number}.png", np.full((40, 60), 255))


def with_eyes(change=lambda root: None):
    """The set, with a change to its folder."""

    def before(root):
        eyes(root)
        change(root / "eyes")

    return before


def written(name, content):
    """The set with a file of this content."""

    def change(root):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    return with_eyes(change)


def painted(name, pixels):
    return with_eyes(lambda root: save(root / name, pixels))


def table(*rows, header="id,split,patient,image,av,width,height"):
    return written("manifest.csv", "\n".join([header, *rows]) + "\n")


def label_with(colour):
    pixels = np.zeros((40, 60, 3))
    pixels[3, 7] = colour
    return pixels


def beside(name, content):
    """The set, and another file beside it."""

    def before(root):
        eyes(root)
        (root / name).write_bytes(content)

    return before


def saved_as(name, image, **options):
    """The set with one file saved in a way of its own."""
    return with_eyes(lambda root: image().save(root / name, **options))


TURNED = Image.Exif()
TURNED[274] = 6
NO_OURS = ["is there, and no datalist", "another file"]
CASES = [
    # the layout and the folder
    ("a layout that is none", "datalist piared eyes", ["'piared'", "did you mean paired", "known layouts"],
     with_eyes()),
    ("a layout of nothing", "datalist '' eyes", ["no layout ''", "known layouts"], with_eyes()),
    ("a folder that is missing", "datalist paired gone", ["gone", "no such folder"]),
    ("a file for a folder", "datalist paired eyes/images/e0.png", ["a file; give the folder", "paired"], with_eyes()),
    ("a folder of nothing", "datalist paired empty", ["not one photograph", "holds nothing", "images/"],
     lambda root: (root / "empty").mkdir()),
    ("the folder above", "datalist paired .", ["not one photograph", "one folder down", "eyes"],
     lambda root: eyes(root / "deep") or (root / "deep" / "eyes").rename(root / "eyes") or (root / "deep").rmdir()),
    ("another layout", "datalist drive eyes", ["not one photograph", "look like layout paired"], with_eyes()),
    ("half an archive", "datalist chase-db1 some", ["found 1 photographs", "expected 28", "original archive"],
     lambda root: save(root / "some" / "Image_01L.jpg", np.full((9, 8, 3), 99))),
    ("a generated set as paired", "datalist paired set", ["vessel", "set"],
     lambda root: (root / "set" / "vessel").mkdir() or save(root / "set" / "vessel" / "eye000000.png", np.eye(9))),
    # options
    ("validation of all", f"{PAIRED} --validation 1", ["share 1.0", "below 1"], with_eyes()),
    ("validation below none", f"{PAIRED} --validation -0.1", ["share -0.1", "at least 0"], with_eyes()),
    ("validation of nobody", f"{PAIRED} --validation 0.01", ["of 3 persons is 0", "another share"], with_eyes()),
    ("validation that is no number", f"{PAIRED} --validation half", ["--validation", "valid number"], with_eyes()),
    ("validation not a number", f"{PAIRED} --validation nan", ["share nan", "expected at least 0"], with_eyes()),
    ("testing of all", f"{PAIRED} --testing 1", ["share 1.0", "below 1"], with_eyes()),
    ("testing without end", f"{PAIRED} --testing inf", ["share inf", "below 1"], with_eyes()),
    ("no folds", f"{PAIRED} --folds 0", ["folds 0", "at least 1"], with_eyes()),
    ("folds below none", f"{PAIRED} --folds -3", ["folds -3", "at least 1"], with_eyes()),
    ("half a fold", f"{PAIRED} --folds 2.5", ["--folds", "valid integer"], with_eyes()),
    ("a seed below none", f"{PAIRED} --seed -1", ["seed -1", "at least 0"], with_eyes()),
    ("a seed that is a word", f"{PAIRED} --seed x", ["--seed", "valid integer"], with_eyes()),
    ("an option that is none", f"{PAIRED} --validate 0.2", ["--validate", "--validation"], with_eyes()),
    ("an argument too many", f"{PAIRED} more", ["more", "unexpected"], with_eyes()),
    ("an argument too few", "datalist paired", ["directory", "Missing"]),
    # the file to write
    ("an output folder that is missing", f"{PAIRED} -o gone/x.json", ["gone", "make it first"], with_eyes()),
    ("an output that is a folder", f"{PAIRED} -o eyes", ["a folder", "name the file to write"], with_eyes()),
    ("notes in the way", f"{PAIRED} -o notes", NO_OURS, beside("notes", b"my notes")),
    ("a photograph in the way", f"{PAIRED} -o eyes/images/e0.png", NO_OURS, with_eyes()),
    ("another's datalist in the way", f"{PAIRED} -o a.json", NO_OURS, beside("a.json", b'{"training": []}')),
    ("a list in the way", f"{PAIRED} -o a.json", NO_OURS, beside("a.json", b"[]")),
    ("an empty file in the way", f"{PAIRED} -o a.json", NO_OURS, beside("a.json", b"")),
    ("half a file in the way", f"{PAIRED} -o a.json", NO_OURS, beside("a.json", b'{"reader": "mon')),
    ("the run of a set in the way", f"{PAIRED} -o set/run.json", NO_OURS, with_eyes()),
    # photographs
    ("a black photograph", PAIRED, ["e0.png: the photograph is black", "original"],
     painted("images/e0.png", np.zeros((40, 60, 3)))),
    ("an all but black photograph", PAIRED, ["black (no value above 9", "original"],
     painted("images/e0.png", np.full((40, 60, 3), 9))),
    ("a cut photograph", PAIRED, ["e1.png: cannot be read", "nothing written"],
     with_eyes(lambda root: (root / "images/e1.png").write_bytes((root / "images/e1.png").read_bytes()[:60]))),
    ("text as photograph", PAIRED, ["e1.png: cannot be read", "nothing written"], written("images/e1.png", "no image")),
    ("nothing as photograph", PAIRED, ["e1.png: cannot be read", "nothing written"], written("images/e1.png", "")),
    ("16 bits", PAIRED, ["more than 8 bits", "8-bit"],
     saved_as("images/e1.png", lambda: Image.fromarray(np.full((40, 60), 9000, np.uint16)))),
    ("a turned photograph", PAIRED, ["EXIF", "upright"],
     saved_as("images/e1.png", lambda: Image.fromarray(np.full((40, 60, 3), 90, np.uint8)), exif=TURNED)),
    ("a folder as photograph", PAIRED, ["e9.png", "cannot be read"],
     with_eyes(lambda root: [(root / folder / "e9.png").mkdir() for folder in ("images", "av", "vessel", "fov")])),
    ("two photographs of one name", PAIRED, ["2 photographs bear this name", "keep one"],
     with_eyes(lambda root: Image.open(root / "images/e0.png").save(root / "images/e0.tif"))),
    # labels
    ("a label that is missing", PAIRED, ["no label file", "expected"],
     with_eyes(lambda root: (root / "av/e1.png").unlink())),
    ("a label without photograph", PAIRED, ["no photograph", "e1"],
     with_eyes(lambda root: (root / "images/e1.png").unlink())),
    ("a black label", PAIRED, ["no artery and no vein", "all black"], painted("av/e0.png", np.zeros((40, 60)))),
    ("a label of another size", PAIRED, ["30 x 20 px", "60 x 40"], painted("av/e0.png", np.eye(20, 30))),
    ("a yellow label", PAIRED, ["(255, 255, 0)", "row 3, column 7", "repaint"],
     painted("av/e0.png", label_with((255, 255, 0)))),
    ("a code of 4", PAIRED, ["(4, 4, 4)", "expected black background"], painted("av/e0.png", np.eye(40, 60) * 4)),
    ("a binary map as label", PAIRED, ["no artery and no vein", "binary vessel map"],
     painted("av/e0.png", np.eye(40, 60) * 255)),
    ("a smoothed label", PAIRED, ["unknown colours", "lossless original"],
     painted("av/e0.png", np.random.default_rng(0).integers(0, 255, (40, 60, 3)))),
    ("a link in a circle", PAIRED, ["e0.png", "cannot be read"],
     with_eyes(lambda root: (root / "av/e0.png").unlink() or os.symlink("e0.png", root / "av/e0.png"))),
    ("a dead link", PAIRED, ["e0.png: no such file", "nothing written"],
     with_eyes(lambda root: (root / "av/e0.png").unlink() or os.symlink("gone.png", root / "av/e0.png"))),
    ("a black vessel map", PAIRED, ["vessel map is all black", "nothing written"],
     painted("vessel/e0.png", np.zeros((40, 60)))),
    ("grey vessels", PAIRED, ["two levels", "lossless original"],
     painted("vessel/e0.png", np.linspace(0, 255, 2400).reshape(40, 60))),
    ("an empty field", PAIRED, ["field-of-view mask is empty", "nothing written"],
     painted("fov/e0.png", np.zeros((40, 60)))),
    ("photographs alone", PAIRED, ["artery/vein label", "vessel map"],
     with_eyes(lambda root: [path.unlink() for name in ("av", "vessel") for path in (root / name).iterdir()])),
    # the table
    ("a table of nothing", PAIRED, ["lists no case", "delete it"], table()),
    ("a table without its header", PAIRED, ["line 2", "both columns must be filled"],
     table("e1,training,,images/e1.png,av/e1.png,,", header="e0,training,,images/e0.png,av/e0.png,,")),
    ("a part that is none", PAIRED, ["line 2", "'trian'", "expected training"],
     table("e0,trian,,images/e0.png,av/e0.png,,")),
    ("a file of the table that is missing", PAIRED, ["line 2", "no such file", "gone.png"],
     table("e0,training,,images/gone.png,av/e0.png,,")),
    ("a size that is not so", PAIRED, ["60 x 40 px", "61 x 40"], table("e0,training,,images/e0.png,av/e0.png,61,40")),
    ("a size that is a word", PAIRED, ["line 2", "width", "wide"],
     table("e0,training,,images/e0.png,av/e0.png,wide,40")),
    ("one name twice", PAIRED, ["2 photographs bear this name", "keep one"],
     table(*["e0,training,,images/e0.png,av/e0.png,,"] * 2)),
    ("a person in two parts", PAIRED, ["person anna", "one part only"],
     table("e0,training,anna,images/e0.png,av/e0.png,,", "e1,testing,anna,images/e1.png,av/e1.png,,")),
    ("a part that is there already", f"{PAIRED} --testing 0.3", ["has its own testing part", "leave --testing out"],
     table("e0,training,,images/e0.png,av/e0.png,,", "e1,testing,,images/e1.png,av/e1.png,,")),
    ("a table in another code", PAIRED, ["manifest.csv", "UTF-8"], written("manifest.csv", b"id,image\n\xff\xfe,x\n")),
    ("labels in some rows", PAIRED, ["1 of 2", "vessel map"],
     table("e0,training,,images/e0.png,av/e0.png,,", "e1,training,,images/e1.png,,,")),
]  # fmt: skip


def scans(root, change=lambda folder: None):
    """One made scan, and a change to its folder."""
    ct_scans.nifti(root / "scans" / "a.nii.gz")
    change(root / "scans")


def scans_with(change):
    return lambda root: scans(root, change)


CASES += [
    ("scans that are missing", "datalist ct gone", ["gone", "no such folder"]),
    ("a file for scans", "datalist ct scans/a.nii.gz", ["a.nii.gz: a file", "give the folder"], scans),
    ("no scan at all", "datalist ct eyes", ["not one CT volume", "NIfTI or DICOM"], with_eyes()),
    ("a cut scan alone", "datalist ct scans", ["not one CT volume", "a.nii.gz: cannot be read as NIfTI"],
     scans_with(lambda root: (root / "a.nii.gz").write_bytes((root / "a.nii.gz").read_bytes()[:90]))),
    ("scans decided", "datalist ct scans --decide", ["--decide", "leave it out"], scans),
    ("folds of scans", "datalist ct scans --folds 0", ["folds 0", "at least 1"], scans),
    ("a seed of scans below none", "datalist ct scans --seed -1", ["seed -1", "at least 0"], scans),
    ("notes among the volumes", "datalist ct scans -o ct.json", ["ct_volumes", "notes", "expected nothing"],
     lambda root: scans(root) or (root / "ct_volumes").mkdir() or (root / "ct_volumes" / "notes").write_text("mine")),
    ("a folder for the list of scans", "datalist ct scans -o scans", ["a folder", "name the file to write"], scans),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore")
def test_it_is_told(case, world):
    world.check(case)
