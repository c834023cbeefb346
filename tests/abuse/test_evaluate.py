"""`evaluate`: sets that cannot be compared, and places that cannot be written."""

import json

import numpy as np
from PIL import Image

LABELS = {"0": "background", "1": "artery", "2": "vein", "3": "crossing"}
RUN = "--features random --phantoms 0 -q"


def listed(name, items, section="testing"):
    def before(root):
        (root / name).write_text(json.dumps({"name": "eyes", "labels": LABELS, section: items}))

    return before


def both(*steps):
    def before(root):
        for step in steps:
            step(root)

    return before


def grey(root):
    """Two eyes of the set; the second without its colours."""
    for place in (0, 1):
        picture = Image.open(root / "set" / "images" / f"eye00000{place}.png")
        (picture.convert("L") if place else picture).save(root / f"real{place}.png")


def black(root):
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(root / "real0.png")


def report_of_others(root):
    (root / "out").mkdir()
    (root / "out" / "thesis.tex").write_text("mine")


PHANTOMS = [{"seed": 1}, {"seed": 2}]
REAL = listed("real.json", PHANTOMS)
CASES = [
    ("a set that is missing", f"evaluate gone --real real.json -o out {RUN}",
     ["gone", "not there", "folder of a finished data set"], REAL),
    ("a folder that is no set", f"evaluate set/images --real real.json -o out {RUN}",
     ["run.json", "give the folder of a data set"], REAL),
    ("a datalist that is missing", f"evaluate set --real real.json -o out {RUN}", ["real.json", "no such datalist"]),
    ("a datalist of something else", f"evaluate set --real set/run.json -o out {RUN}", ["run.json", "no list of items"]),
    ("an empty datalist", f"evaluate set --real real.json -o out {RUN}", ["training list is empty", "section"],
     listed("real.json", [], "training")),
    ("a section that is none", f"evaluate set --real real.json --section test -o out {RUN}",
     ["no list of items 'test'", "testing (2)"], REAL),
    ("one real eye", f"evaluate set --real real.json -o out {RUN}", ["found 1 eye", "at least 2"],
     listed("real.json", PHANTOMS[:1])),
    ("one sample", f"evaluate set --real real.json --limit 1 -o out {RUN}", ["--limit", "found 1", "at least 2"], REAL),
    ("no sample", f"evaluate set --real real.json --limit 0 -o out {RUN}", ["--limit", "found 0", "at least 2"], REAL),
    ("real and synthetic the same", f"evaluate set --real set/datalist.json -o out {RUN}",
     ["3 of its photographs are those of set", "expected a datalist of real eyes"]),
    ("the same datalist twice", f"evaluate set/datalist.json --real set/datalist.json -o out {RUN}",
     ["3 of its photographs", "the same"]),
    ("a grey picture among colour", f"evaluate set --real real.json -o out {RUN}", ["real1.png", "a grey picture", "leave it"],
     both(grey, listed("real.json", [{"image": "real0.png"}, {"image": "real1.png"}]))),
    ("a black picture", f"evaluate set --real real.json -o out {RUN}", ["real0.png", "grey picture"],
     both(black, listed("real.json", [{"image": "real0.png"}, {"seed": 1}]))),
    ("a cut picture of the set", f"evaluate set --real real.json -o out {RUN}", ["eye000001.png", "verify"],
     both(REAL, lambda root: (root / "set/images/eye000001.png").write_bytes(b"cut"))),
    ("a missing picture of the set", f"evaluate set --real real.json -o out {RUN}", ["eye000001.png", "missing"],
     both(REAL, lambda root: (root / "set/images/eye000001.png").unlink())),
    ("an extractor that is missing", "evaluate set --real real.json --features mine.ts -o out -q",
     ["mine.ts", "no feature network there"], REAL),
    ("Inception weights of another file", "evaluate set --real real.json --features inception:real.json -o out -q",
     ["real.json: SHA-256", "expected 6726825d0af5f729"], REAL),
    ("an extractor that is text", "evaluate set --real real.json --features real.json -o out -q",
     ["real.json", "not a TorchScript network"], REAL),
    ("phantoms below none", "evaluate set --real real.json --phantoms -1 -o out -q", ["--phantoms", "found -1"], REAL),
    ("eyes to judge below none", "evaluate set --real real.json --judged -1 -o out -q", ["--judged", "found -1"], REAL),
    ("a size too small", f"evaluate set --real real.json --size 8 -o out {RUN}", ["found 8 px", "at least 64"], REAL),
    ("a field of no camera", f"evaluate set --real real.json --field-deg 400 -o out {RUN}",
     ["--field-deg", "found 400", "15 to 120"], REAL),
    ("a device that is none", f"evaluate set --real real.json --device tpu -o out {RUN}", ["'tpu'", "this machine has"],
     REAL),
    ("a report over something else", f"evaluate set --real real.json -o out {RUN}", ["thesis.tex", "no report"],
     both(REAL, report_of_others)),
    ("a report over the data set", f"evaluate set --real real.json -o set {RUN}", ["set: holds", "no report"], REAL),
    ("a report over a file", f"evaluate set --real real.json -o real.json {RUN}", ["real.json: a file", "folder"], REAL),
    ("no real eyes at all", "evaluate set -o out", ["--real", "Missing option"]),
]  # fmt: skip


def test_it_is_told(case, world):
    world.check(case)
