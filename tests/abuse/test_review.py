"""Wrong inputs to ``fundusgen review``."""

import json
import shutil

from tests.apps.review.conftest import lay_out


def laid(*changes):
    """A folder to review, and what is done to it."""

    def before(root):
        folder = lay_out(root / "mine")
        for change in changes:
            change(folder)

    return before


def without(name):
    return lambda folder: shutil.rmtree(folder / name)


def with_file(name, content):
    def change(folder):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)

    return change


def rename(folder):
    for path in (folder / "images").iterdir():
        path.rename(path.with_name(f"x{path.name}"))


CASES = [
    ("no place", "review gone", ["gone: no such datalist", "fundusgen datalist"]),
    ("an empty folder", "review empty", ["found neither datalist.json nor labels/", "give a datalist"], lambda root: (root / "empty").mkdir()),
    ("no labels", "review mine", ["found neither datalist.json nor labels/", "give a datalist"], laid(without("labels"))),
    ("no photographs", "review mine", ["found no folder of the photographs", "--photographs"], laid(without("images"))),
    ("photographs of other names", "review mine", ["found 2 labels, none with the name", "expected equal names"], laid(rename)),
    ("photographs that are nowhere", "review mine --photographs gone", ["gone: found no folder", "--photographs"], laid()),
    ("photographs of a datalist", "review mine/d.json --photographs mine/images", ["--photographs: found a datalist", "leave the option out"],
     laid(with_file("d.json", "{}"))),
    ("a datalist that is none", "review mine/d.json", ["no datalist, not even JSON", "d.json"], laid(with_file("d.json", "{"))),
    ("a datalist of vessel maps", "review mine/d.json", ["has no label", "artery/vein labels are needed"],
     laid(with_file("d.json", json.dumps({"labels": {"1": "vessel"}, "training": [{"image": "images/anna_left.jpg", "label": "labels/anna_left.png"}]})))),
    ("a datalist whose files are gone", "review mine/d.json", ["files are missing", "d.json"],
     laid(with_file("d.json", json.dumps({"training": [{"image": "images/no.jpg", "label": "labels/no.png"}]})))),
    ("another network without a token", "review mine --host 0.0.0.0", ["--host: found '0.0.0.0'", "name every reviewer"], laid()),
    ("a reviewer twice", "review mine --reviewer anna --reviewer anna", ["--reviewer: found ['anna', 'anna']", "different names"], laid()),
    ("a reviewer that is a path", "review mine --reviewer ../anna", ["--reviewer: found '../anna'", "letters, digits"], laid()),
    ("a port beyond all", "review mine --port 70000", ["--port", "65535"], laid()),
    ("results in a file", "review mine -o mine/labels/anna_left.png", ["found a file", "expected a folder"], laid()),
]  # fmt: skip


def test_it_is_told(case, world):
    world.check(case)
