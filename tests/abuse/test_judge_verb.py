"""What `fundusgen judge` cannot judge."""

import json

import numpy as np
from PIL import Image

NET = "--network av_unet --read-size 256"


def listed(change=None, labels=None, part="testing", eyes=1):
    """``list.json`` over eyes of 256 px whose files are named a, b, ...; ``change`` alters the folder after."""

    def lay(root):
        items = []
        for name in "abc"[:eyes]:
            disc = np.hypot(*np.mgrid[-127.5:128, -127.5:128]) < 124
            photograph = np.zeros((256, 256, 3), np.uint8)
            photograph[disc] = (150, 80, 30)
            codes = np.zeros((256, 256), np.uint8)
            codes[100:104, 60:200], codes[150:154, 60:200] = 1, 2
            for kind, pixels in (("image", photograph), ("label", codes), ("fov", np.uint8(255) * disc)):
                Image.fromarray(pixels).save(root / f"{name}_{kind}.png")
            items.append({kind: f"{name}_{kind}.png" for kind in ("image", "label", "fov")})
        names = labels or {"0": "background", "1": "artery", "2": "vein"}
        content = {"labels": names, part: items}
        if change is not None:
            change(root, content)
        (root / "list.json").write_text(json.dumps(content))

    return lay


def without(key):
    return lambda root, content: content["testing"][0].pop(key)


def painted(name, pixels):
    return lambda root, content: Image.fromarray(pixels).save(root / name)


def gone(*names):
    return lambda root, content: [(root / name).unlink() for name in names]


BLACK = np.zeros((256, 256, 3), np.uint8)
CASES = [
    ("nothing to judge", "judge", ["neither a data set nor --real", "name a folder"]),
    ("a set that is missing", "judge gone", ["gone", "no such file or folder", "give the folder of a data set"]),
    ("a folder of something else", "judge set/images", ["set/images", "give the folder of a data set"]),
    ("a picture for a datalist", "judge set/images/eye000000.png", ["eye000000.png", "no datalist"]),
    ("a set of tiny photographs", f"judge set {NET}", ["3 of 3 photographs", "eye000000.png", "expected at least 200"]),
    ("samples that lost files", f"judge set {NET}", ["2 of its files are missing", "eye000001.png", "eye000002.png"],
     lambda root: [(root / "set" / name).unlink() for name in ("images/eye000001.png", "fov/eye000002.png")]),
    ("painting without real eyes", "judge set --paint", ["--paint", "without --real"]),
    ("weights of a painter without painting", "judge set --painter-weights set", ["--painter-weights", "--paint"]),
    ("a limit of none", "judge set --limit 0", ["limit", "found 0", "at least 1"]),
    ("an output that is occupied", "judge set -o set", ["set", "not empty", "give a new folder"]),
    ("a network that is none", "judge --real list.json --network jury", ["'jury'", "judge or av_unet"], listed()),
    ("weights that are missing", f"judge --real list.json {NET} --weights gone.pt", ["gone.pt", "weights"], listed()),
    ("mirror images that cannot be", f"judge --real list.json {NET} --mirrors 3", ["mirrors 3", "1, 2 or 4"], listed()),
    ("a size that cannot be", f"judge --real list.json {NET} --size 0", ["size", "found 0", "say 1024"], listed()),
    ("a reading size below none", "judge --real list.json --network av_unet --read-size -5",
     ["image_size", "found -5", "say 1024"], listed()),
    ("a part that is missing", f"judge --real list.json {NET} --part validation", ["validation", "testing (1)"], listed()),
    ("a datalist without labels", f"judge --real list.json {NET}", ["list.json", "has no label", "artery/vein"],
     listed(without("label"))),
    ("vessels without kinds", f"judge --real list.json {NET}", ["has no label", "artery/vein labels are needed"],
     listed(labels={"0": "background", "1": "vessel"})),
    ("a label of two levels", f"judge --real list.json {NET}", ["a_label.png", "no artery/vein label"],
     listed(painted("a_label.png", np.pad(np.full((4, 100), 255, np.uint8), ((100, 152), (100, 56)))))),
    ("a field that is all black", f"judge --real list.json {NET}", ["a_fov.png", "empty (all black)"],
     listed(painted("a_fov.png", BLACK))),
    ("no field, and none to be found", f"judge --real list.json {NET}", ["a_image.png", "no field of view"],
     listed(lambda root, content: (without("fov")(root, content), painted("a_image.png", BLACK)(root, content)))),
    ("a photograph of no fundus", f"judge --real list.json {NET}", ["b_image.png", "no colour fundus photograph"],
     listed(painted("b_image.png", np.full((256, 256, 3), (20, 30, 90), np.uint8)), eyes=2)),
    ("a label of another size", f"judge --real list.json {NET}", ["a_label.png", "sizes differ", "128 x 128"],
     listed(painted("a_label.png", np.ones((128, 128), np.uint8)))),
    ("no label with a vessel", f"judge --real list.json {NET}", ["list.json", "without a labelled vessel"],
     listed(painted("a_label.png", np.zeros((256, 256), np.uint8)))),
    ("files that are missing", f"judge --real list.json {NET}", ["2 of its files are missing", "a_label.png", "c_fov.png"],
     listed(gone("a_label.png", "c_fov.png"), eyes=3)),
    ("a part that is none", f"judge --real list.json {NET} --part training", ["training", "it holds testing (1)"], listed()),
    ("a cascade of another size", f"judge --real list.json {NET} --size 256 --paint",
     ["found 256", "set size to 1024"], listed()),
]  # fmt: skip


def test_it_is_told(case, world):
    world.check(case)


def test_what_can_be_judged_is(world):
    listed(painted("b_label.png", np.zeros((256, 256), np.uint8)), eyes=2)(world.root)
    answer = world.run(f"judge --real list.json {NET} --size 256 -o new")
    assert answer.code == 0, answer.err
    assert "1 photograph(s) whose label has no vessel" in answer.out
    assert {path.name for path in (world.root / "new").iterdir()} == {"judged.json", "judged.md"}
