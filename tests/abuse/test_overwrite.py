"""``--overwrite`` with settings that cannot be: the data set that is there stays, byte for byte."""

import json

import numpy as np
from PIL import Image


def maps(name, size=64, colour=1):
    """Lay out a folder with one label map."""

    def lay(root):
        (root / name).mkdir(parents=True, exist_ok=True)
        pixels = np.zeros((size, size), np.uint8)
        pixels[20:40, 20:40] = colour
        Image.fromarray(pixels).save(root / name / "map.png")

    return lay


OVER = "generate -n 3 -o set --overwrite --option size=64"
FOLDER = f"{OVER} --photograph-source cascade --mask-source folder --mask-folder"
CASES = [
    ("another mask source", f"{OVER} --mask-source photo", ["mask_source", "'photo'", "phantom"]),
    ("no batch", f"{OVER} --batch-size 0", ["batch_size", "found 0", "at least 1"]),
    ("a batch below none", f"{OVER} --batch-size -4", ["batch_size", "-4", "at least 1"]),
    ("a size that is a word", "generate -n 3 -o set --overwrite --option size=abc", ["size", "'abc'", "whole number"]),
    ("a size that is huge", "generate -n 3 -o set --overwrite --option size=20000", ["size", "20000", "GiB", "8192"]),
    ("a device that is not there", f"{OVER} --option device=cuda", ["device", "'cuda'", "this machine has cpu"]),
    ("a device of no name", f"{OVER} --option device=abacus", ["device", "'abacus'", "cpu"]),
    ("a folder that is missing", f"{FOLDER} nowhere", ["nowhere", "no such folder", "mask_folder"]),
    ("a folder inside the set", f"{OVER} --mask-source folder --mask-folder set/labels --photograph-source cascade",
     ["set/labels", "lies in the folder", "another output folder"]),
    ("a folder that is a file", f"{FOLDER} maps/map.png", ["maps/map.png", "a file", "mask_folder"], maps("maps")),
    ("a folder without maps", f"{FOLDER} set/images/none", ["set/images/none", "no such folder"]),
    ("a folder of vessel maps", f"{FOLDER} maps", ["map.png", "0, 255", "artery"], maps("maps", colour=255)),
    ("a folder of other sizes", f"{FOLDER} maps", ["map.png", "32 x 32", "--fit"], maps("maps", 32)),
    ("a style that is missing", f"{OVER} --mask-source ddpm --style no.jpg", ["no.jpg", "no such file"]),
    ("a style for the phantom", f"{OVER} --style set/images/eye000000.png", ["style", "phantom", "cascade"]),
    ("a seed below zero", f"{OVER} --seed -1", ["seed", "-1", "at least 0"]),
    ("a number below one", "generate -n 0 -o set --overwrite", ["num_samples", "found 0", "at least 1"]),
    ("an unknown option", f"{OVER} --option target_densty=1", ["target_densty", "target_density?"]),
    ("an unknown nested option", f"{OVER} --option maps#anatomy#finestlevel=1", ["finestlevel", "finest_level?"]),
    ("an impossible nested option", f"{OVER} --option maps#anatomy#finest_level=9", ["finest_level", "9"]),
    ("a wish that a phantom cannot grant", f"{OVER} --option target_density=0.1", ["density", "ddpm"]),
    ("a gate that is a word", f"{OVER} --option map_batch=x", ["map_batch", "'x'", "whole number"]),
    ("no attempt", f"{OVER} --option max_attempts=0", ["max_attempts", "0", "at least 1"]),
    ("another precision", f"{OVER} --option autocast=int8", ["autocast", "'int8'", "bfloat16"]),
    ("a field that is too wide", f"{OVER} --option field_deg=400", ["field_deg", "400", "170"]),
    ("a field that is cut away", f"{OVER} --option field_cut=0", ["field_cut", "0", "0.2"]),
    ("another laterality", f"{OVER} --option laterality=up", ["laterality", "'up'", "either"]),
    ("a bundle that is missing", f"{OVER} --bundle nowhere", ["nowhere", "configs/inference.yaml", "--bundle"]),
    ("weights that are missing", f"{OVER} --mask-source ddpm --option mask_bundle=nowhere", ["nowhere", "bundle"]),
    ("a part", f"{OVER} --part 0/2", ["--overwrite with --part", "delete the folder"]),
    ("an unknown engine", f"{OVER} --engine spark", ["engine", "'spark'", "local"]),
    ("two processes of one", f"{OVER} --processes 2", ["processes", "2", "local"]),
    ("shards below none", f"{OVER} --shard-size -1", ["shard_size", "-1", "0 for no shards"]),
    ("writers", f"{OVER} --option writers=0", ["writers", "0", "at least 1"]),
]  # fmt: skip


def test_the_old_set_stays(case, world):
    world.check(case)


def test_a_new_set_takes_the_place_of_the_old_one(world):
    (world.root / "set" / "notes.txt").write_text("mine")
    answer = world.run("generate -n 2 -o set --overwrite --seed 7 --option size=64 --quiet")
    assert answer.code == 0, answer.err
    assert json.loads((world.root / "set" / "run.json").read_text())["settings"]["seed"] == 7
    assert len(list((world.root / "set" / "images").iterdir())) == 2
    assert (world.root / "set" / "notes.txt").read_text() == "mine" and not list((world.root / "set").glob(".*"))
    assert world.run("verify set").code == 0
