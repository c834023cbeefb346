"""Wrong inputs to ``fundusgen label``."""

import json
import shutil

import numpy as np
from PIL import Image

OUT = "label export set -o studies -q"
BACK = "label import studies -o back.json -q"


def datalist(content, **pictures):
    """A datalist, and the pictures that it names."""

    def before(root):
        (root / "list.json").write_text(content if isinstance(content, str) else json.dumps(content))
        for name, pixels in pictures.items():
            Image.fromarray(pixels).save(root / f"{name}.png")

    return before


def studies(change):
    """A studies folder of the data set, with a final label, changed."""

    def before(root):
        from monai_fundusgen.apps.label.transfer import export_studies
        from monai_fundusgen.data.label_studies import FINAL, ORIGINAL, LabelStudies, read_codes

        export_studies(root / "set", root / "studies")
        found = LabelStudies(root / "studies")
        found.save_label("eye000000", FINAL, read_codes(found.label_file("eye000000", ORIGINAL)), {"user": "anna"})
        change(found.root)

    return before


def nothing(root):
    return None


def listed(text):
    return studies(lambda root: (root / "datastore_v2.json").write_text(text))


def entry(**change):
    """The list with another entry for the first photograph."""

    def changed(root):
        path = root / "datastore_v2.json"
        content = json.loads(path.read_text())
        name, one = change.get("name", "eye000000"), content["objects"].pop("eye000000")
        one["image"]["ext"] = change.get("ext", one["image"]["ext"])
        content["objects"][name] = one
        path.write_text(json.dumps(content))

    return studies(changed)


def final(write):
    return studies(lambda root: write(root / "labels" / "final" / "eye000000.png"))


def linked(path):
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def beside(name, folder=False):
    """Something in the way of the result."""

    def before(root):
        studies(nothing)(root)
        (root / name).mkdir() if folder else (root / name).write_text("mine")
        if folder:
            (root / name / "mine.txt").write_text("mine")

    return before


GREY = np.full((40, 60, 3), 90, np.uint8)
OTHER = np.full((40, 60, 3), 91, np.uint8)


def other_photograph(root):
    studies(nothing)(root)
    shutil.copy(root / "set" / "images" / "eye000001.png", root / "studies" / "eye000000.png")


CASES = [
    ("no source", "label export nowhere.json -o studies", ["nowhere.json: no such datalist", "fundusgen datalist"]),
    ("a folder without a datalist", "label export . -o studies", ["datalist.json: no such datalist", "make one"]),
    ("a text for a datalist", "label export list.json -o studies", ["list.json", "not even JSON"], datalist("text")),
    ("a datalist of nothing", "label export list.json -o studies", ["no items", "make it anew"], datalist({"a": []})),
    ("a photograph that is missing", "label export list.json -o studies", ["1 of its files are missing", "gone.png"],
     datalist({"training": [{"image": "gone.png"}]})),
    ("items without files", "label export list.json -o studies", ["without a photograph", "expected 'image'"],
     datalist({"training": [{"seed": 3}]})),
    ("two of one name", "label export list.json -o studies", ["would both be 'a_b'", "rename one"],
     datalist({"training": [{"image": "a b.png"}, {"image": "a_b.png"}]}, **{"a b": GREY, "a_b": OTHER})),
    ("a label of another size", "label export list.json -o studies", ["40 x 60 px, its photograph has 60 x 40", "upright"],
     datalist({"training": [{"image": "b.png"}, {"image": "a.png", "label": "l.png"}]}, a=GREY, b=OTHER,
              l=np.ones((60, 40), np.uint8))),
    ("a second photograph that is cut", "label export list.json -o studies", ["a.png", "cannot be read as an image"],
     lambda root: (datalist({"training": [{"image": "b.png"}, {"image": "a.png"}]}, a=GREY, b=OTHER)(root),
                   (root / "a.png").write_bytes((root / "a.png").read_bytes()[:60]))),
    ("a file for the studies", f"{OUT}", ["studies: found a file", "expected a studies folder"],
     lambda root: (root / "studies").write_text("mine")),
    ("another photograph of that name", OUT, ["another photograph has this id", "rename"], other_photograph),
    ("a list of another program", OUT, ["datastore_v2.json", "no list of studies", "move it away"], listed("{}")),
    ("no studies", BACK, ["datastore_v2.json: no such file", "give a studies folder"]),
    ("no final label", BACK, ["no final label", "save one"], final(lambda path: path.unlink() or _forget(path))),
    ("a final label that is gone", BACK, ["eye000000.png", "missing"], final(lambda path: path.unlink())),
    ("a final label that is a link", BACK, ["eye000000.png: a link", "put the file itself"], final(linked)),
    ("a final label that is cut", BACK, ["eye000000.png", "cannot be read as an image"],
     final(lambda path: path.write_bytes(path.read_bytes()[:60]))),
    ("a final label of other colours", BACK, ["unknown label colour", "expected black background"],
     final(lambda path: Image.fromarray(np.full((64, 64), 77, np.uint8)).save(path))),
    ("a final label of another size", BACK, ["32 x 16 px, its photograph has 64 x 64", "save the label in the size"],
     final(lambda path: Image.fromarray(np.ones((16, 32), np.uint8)).save(path))),
    ("a stranger's id", BACK, ["'../eye'", "letters, digits"], entry(name="../eye")),
    ("a stranger's ending", BACK, ["'/../../secret'", "expected a photograph"], entry(ext="/../../secret")),
    ("a file of one's own as datalist", BACK, ["back.json: is there", "move it away"], beside("back.json")),
    ("a folder of one's own in the way", BACK, ["back_files: is there and not empty", "give a new folder"],
     beside("back_files", folder=True)),
    ("no folder for the datalist", "label import studies -o no/back.json", ["no: no such folder", "make it first"],
     studies(nothing)),
    ("a server without MONAI Label", "label serve studies", ["monailabel: not installed", "make label"]),
]  # fmt: skip


def _forget(path):
    """The list without the final label."""
    from monai_fundusgen.data.label_studies import LabelStudies

    LabelStudies(path.parents[2]).reconcile()


def test_it_is_told(case, world):
    world.check(case)
