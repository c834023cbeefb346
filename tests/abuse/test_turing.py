"""Wrong inputs to ``fundusgen turing``."""

import json
import shutil

from tests.apps.turing.conftest import draw, lay_out


def plan(*changes):
    """Arms and plan as they should be, with pieces of the plan's text exchanged."""

    def before(root):
        path = lay_out(root)
        text = path.read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path.write_text(text)

    return before


def plan_text(text):
    return lambda root: (root / "study.yaml").write_text(text)


def with_file(name, content):
    def before(root):
        lay_out(root)
        (root / name).write_bytes(content)

    return before


def with_picture(name, **options):
    def before(root):
        lay_out(root)
        draw(root / name, 77, **options)

    return before


def turned(root):
    from PIL import Image

    exif = Image.Exif()
    exif[274] = 6
    with_picture("hospital/patient0.jpg", side=190, exif=exif)(root)


def twin(root):
    lay_out(root)
    shutil.copy(root / "hospital" / "patient0.jpg", root / "generator" / "eye000000.jpg")
    for number in range(4):
        (root / "generator" / f"eye{number:06}.png").unlink() if number else None
    for number in range(1, 4):
        shutil.copy(root / "hospital" / f"patient{number}.jpg", root / "generator" / f"eye{number:06}.jpg")


def key(content):
    def before(root):
        (root / "study").mkdir()
        (root / "study" / "study.json").write_text(content)

    return before


def other_program(root):
    key(json.dumps({"format": "another", "readers": []}))(root)


def no_answers(root):
    from monai_fundusgen.apps.turing.build import build

    build(lay_out(root), root / "study")


def answers_file(content):
    def before(root):
        no_answers(root)
        (root / "answers.json").write_text(content)

    return before


def report_is_file(root):
    from monai_fundusgen.apps.turing.study import read_study
    from tests.apps.turing.test_analysis import answers_of

    no_answers(root)
    answers_of(root / "study", read_study(root / "study"), "anna", 8)
    (root / "out").write_text("")


BUILD = "turing build study.yaml -o study -q"
CASES = [
    ("no plan", BUILD, ["study.yaml: no such file", "give the YAML file"]),
    ("a plan that is a folder", BUILD, ["found a folder", "expected the YAML file"], lambda root: (root / "study.yaml").mkdir()),
    ("no YAML", BUILD, ["found no YAML", "expected a study's plan"], plan_text("arms: [")),
    ("binary", BUILD, ["found no YAML", "expected a study's plan"], with_file("study.yaml", b"\xff\xfe\x00")),
    ("an object", BUILD, ["found no YAML", "expected a study's plan"], plan_text("!!python/object:os.system {}")),
    ("an empty plan", BUILD, ["found None", "expected a mapping with title, readers and arms"], plan_text("")),
    ("a list", BUILD, ["found [1]", "expected a mapping"], plan_text("[1]")),
    ("no readers", BUILD, ["found no 'readers'", "add it"], plan(("readers: [anna, ben]", ""))),
    ("one reader twice", BUILD, ["readers: found ['anna', 'anna']", "different names"], plan(("ben", "anna"))),
    ("a reader that is a path", BUILD, ["readers/1: found '../ben'", "expected a name"], plan(("ben]", "../ben]"))),
    ("a reader that is a number", BUILD, ["readers/1: found 3", "expected a name"], plan(("ben]", "3]"))),
    ("an unknown word", BUILD, ["found 'reader'", "expected one of title, seed"], plan(("seed: 5", "reader: 5"))),
    ("an unknown word of an arm", BUILD, ["arms/hospital: found 'path'", "folder, count, real"], plan(("hospital, count", "hospital, path: x, count"))),
    ("an arm without a kind", BUILD, ["arms/hospital: found no 'real'", "add it"], plan((", real: true", ""))),
    ("a kind in words", BUILD, ["arms/hospital/real: found 'maybe'", "expected true"], plan(("real: true", "real: maybe"))),
    ("no pictures asked for", BUILD, ["count: found 0", "1 to 1000"], plan(("count: 3", "count: 0"))),
    ("a seed below zero", BUILD, ["seed: found -1", "from 0"], plan(("seed: 5", "seed: -1"))),
    ("a size too small", BUILD, ["size: found 64", "128 to 2048"], plan(("size: 128", "size: 64"))),
    ("real arms alone", BUILD, ["found only real ones", "real: false"], plan(("real: false", "real: true"))),
    ("one arm", BUILD, ["arms: found", "at least two arms"], plan_text("readers: [a]\narms: {x: {folder: ., count: 1, real: true}}")),
    ("a folder that is missing", BUILD, ["arms/hospital/folder: found no folder", "expected one with"], plan(("folder: hospital", "folder: gone"))),
    ("too few pictures", BUILD, ["found 4 pictures", "expected 5 (4 to judge, 1 for practice)"], plan(("count: 3", "count: 4"))),
    ("more pixels than there are", BUILD, ["expected at least the study's size of 512 px", "give size:"], plan(("size: 128", "size: 512"))),
    ("a picture that is text", BUILD, ["patient0.jpg", "cannot be read as an image"], with_file("hospital/patient0.jpg", b"text")),
    ("a picture that is cut off", BUILD, ["eye000000.png", "cannot be read as an image"],
     lambda root: with_file("generator/eye000000.png", (draw(root / "whole.png", 1).read_bytes())[:2000])(root)),
    ("a black picture", BUILD, ["eye000000.png", "no field of view"], with_picture("generator/eye000000.png", side=150, flat=0.5)),
    ("a field unlike the others", BUILD, ["eye000000.png", "leave such pictures out"], with_picture("generator/eye000000.png", flat=0.3)),
    ("a turned picture", BUILD, ["patient0.jpg", "EXIF"], turned),
    ("a picture in both arms", BUILD, ["found the same picture as", "every picture once"], twin),
    ("a study that is there", "turing build study.yaml -o hospital -q", ["hospital", "never written over"], plan()),
    ("a folder in none", "turing build study.yaml -o a/b -q", ["found no folder", "make that first"], plan()),
    ("no output", "turing build study.yaml", ["--output", "Missing option"], plan()),
    ("no study to serve", "turing serve gone", ["study.json: missing", "fundusgen turing build"]),
    ("a data set as study", "turing serve set", ["study.json: missing", "fundusgen turing build"]),
    ("a damaged key", "turing serve study", ["study.json", "build it again"], key("{")),
    ("a key of another program", "turing serve study", ["format 'another'", "build it again"], other_program),
    ("a port beyond all", "turing serve study --port 70000", ["--port", "65535"], no_answers),
    ("a study that nobody serves", "turing static gone anna -o out", ["study.json: missing", "fundusgen turing build"]),
    ("a reader of no study", "turing static study carl -o out", ["found 'carl'", "anna, ben"], no_answers),
    ("a folder for a reader that is there", "turing static study anna -o hospital", ["hospital", "give another folder"], no_answers),
    ("nothing answered", "turing analyse study", ["found no answers yet", "serve the study"], no_answers),
    ("no study to analyse", "turing analyse gone", ["study.json: missing", "fundusgen turing build"]),
    ("a file of answers that is missing", "turing analyse study gone.json", ["gone.json: no such file", "browser saved"], no_answers),
    ("answers of something else", "turing analyse study answers.json", ["answers.json", "browser saved"], answers_file("{}")),
    ("answers of another study", "turing analyse study answers.json", ["of study 'x'", "leave it out"],
     answers_file('{"format": "fundusgen reading answers 1", "study": "x"}')),
    ("a report over a file", "turing analyse study -o out", ["out: found a file", "give another"], report_is_file),
]  # fmt: skip


def test_it_is_told(case, world):
    world.check(case)
