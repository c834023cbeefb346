"""What `fundusgen groundtruth` refuses."""

import json

import numpy as np
from PIL import Image


def case(root):
    """``eye``: a photograph and one frame of noise, 160 px."""
    (root / "eye/frames").mkdir(parents=True)
    noise = np.random.default_rng(0).integers(40, 200, (160, 160, 3), dtype=np.uint8)
    Image.fromarray(noise).save(root / "eye/photograph.png")
    Image.fromarray(noise[..., 0]).save(root / "eye/frames/12s.png")


def begun(root):
    """``eye``, and ``out`` begun with other options."""
    case(root)
    (root / "out").mkdir()
    run = {"schema": "monai_fundusgen ground truth", "request": {"frames": "ridges"}}
    (root / "out/run.json").write_text(json.dumps(run))


def twice(root):
    case(root)
    (root / "more").mkdir()
    (root / "eye").rename(root / "more/eye")
    case(root)


CASES = [
    ("nothing at all", "groundtruth -o out", ["out", "neither cases nor an earlier result", "give folders"]),
    ("a case that is missing", "groundtruth gone -o out", ["gone: no such folder", "a photograph and frames"]),
    ("a file for a case", "groundtruth set/datalist.json -o out", ["datalist.json: no such folder", "give folders"]),
    ("two cases of one name", "groundtruth eye more/eye -o out", ["would be named eye", "rename"], twice),
    ("a folder of something else", "groundtruth eye -o set", ["set: its run.json is not of ground truth", "give a new folder"],
     case),
    ("a file for the results", "groundtruth eye -o eye/photograph.png", ["photograph.png: found a file", "expected a folder"],
     case),
    ("a run begun otherwise", "groundtruth eye -o out", ["out: begun with", "frames ridges", "give the same"], begun),
    ("no such source of kinds", "groundtruth eye -o out --kinds colour", ["kinds: found 'colour'", "both, timing"], case),
    ("no such reader", "groundtruth eye -o out --frames magic", ["frames: found 'magic'", "network, ridges"], case),
    ("no such rule", "groundtruth eye -o out --merge median", ["rule: found 'median'", "maximum, second"], case),
    ("a confidence below even odds", "groundtruth eye -o out --least-confidence 0.2",
     ["least_confidence: found 0.2", "expected a number in [0.5, 1]"], case),
    ("no process", "groundtruth eye -o out --processes 0", ["--processes: found 0", "expected 1 or more"], case),
    ("tiny pictures asked for", "groundtruth eye -o out --longest-px 10", ["longest_px: found 10", "expected at least"], case),
    ("weights that are missing", "groundtruth eye -o out --frame-weights gone.pt", ["gone.pt: no such file", "leave it out"],
     case),
    ("a device that is none", "groundtruth eye -o out --device toaster", ["toaster", "device"], case),
]  # fmt: skip


def test_it_is_told(case, world):
    world.check(case)
