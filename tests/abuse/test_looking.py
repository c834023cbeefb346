"""`show`, `bundles`, help and the program itself."""

import json

from PIL import Image

from tests.abuse.conftest import changed


def removed(name):
    return lambda root: (root / "set" / name).unlink()


CASES = [
    ("a folder that is missing", "show gone", ["gone", "give the folder of a data set"]),
    ("a folder of something else", "show set/images", ["images", "give the folder of a data set"]),
    ("a file for a folder", "show set/run.json", ["run.json", "give the folder of a data set"]),
    ("a first sample beyond the last", "show set --sheet x.png --first 9", ["number 9", "there are 3"]),
    ("no samples on the sheet", "show set --sheet x.png -n 0", ["-n", "found 0", "at least 1"]),
    ("samples below none", "show set --sheet x.png -n -2", ["-n", "found -2", "at least 1"]),
    ("a first sample below none", "show set --sheet x.png --first -1", ["--first", "found -1", "at least 0"]),
    ("a sheet that is a folder", "show set --sheet set", ["set", "a folder", "PNG"]),
    ("a sheet of another format", "show set --sheet x.jpg", ["x.jpg", ".png"]),
    ("a count that is a word", "show set -n many", ["-n", "valid integer"]),
    ("a picture that is missing", "show set --sheet x.png", ["eye000001.png", "missing"],
     removed("images/eye000001.png")),
    ("a picture that is text", "show set --sheet x.png", ["eye000001.png", "verify"],
     changed("images/eye000001.png", lambda _: b"text")),
    ("settings that are missing", "show set", ["run.json", "give the folder"], removed("run.json")),
    ("settings that are damaged", "show set", ["run.json", "not the settings of a run"],
     changed("run.json", lambda old: old[:40])),
    ("half a line of the manifest", "show set", ["manifest.jsonl, line 3", "half a record"],
     changed("manifest.jsonl", lambda old: old[:-1])),
    ("a manifest of something else", "show set", ["manifest.jsonl, line 1", "no record"],
     changed("manifest.jsonl", lambda _: json.dumps({"a": 1}).encode() + b"\n")),
    ("a verb that is none", "shew set", ["'shew'", "No such command"]),
    ("an option that is none", "show set --sheets x.png", ["--sheets", "--sheet"]),
    ("an argument too many", "bundles here", ["here", "unexpected"]),
    ("a bundle that is missing", "generate -n 1 -o new --bundle gone",
     ["gone", "--bundle", "no configs/inference.yaml"]),
]  # fmt: skip


def test_it_is_told(case, world):
    world.check(case)


def test_a_sheet_that_can_be_is_written(world):
    assert world.run("show set --sheet x.png -n 2").code == 0
    assert Image.open(world.root / "x.png").size[0] > 10
