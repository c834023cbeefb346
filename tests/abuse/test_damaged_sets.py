"""Damaged data sets: named by every verb that meets them, and repaired where a seed can."""

import json
import os
import shutil

import pytest

from tests.abuse.conftest import changed

RUNS = {
    "cut": '{"num_samples": 3, "sett',
    "empty": "",
    "a list": "[]",
    "a number": "7",
    "no settings": {"settings": None},
    "settings of text": {"settings": "x"},
    "settings of a list": {"settings": [1]},
    "no number": {"num_samples": None},
    "a huge number": {"num_samples": 999999999999},
    "a number below one": {"num_samples": -3},
    "half a number": {"num_samples": 3.5},
    "a number of text": {"num_samples": "3"},
    "a number of yes": {"num_samples": True},
    "deep": "[" * 100_000,
    "bytes": b"\xff\xfe\x00",
}
INNER = {"a huge size": ("size", 10**9), "a size of text": ("size", "x"), "shards of text": ("shard_size", "x"),
         "shards below one": ("shard_size", -2), "huge shards": ("shard_size", 10**12)}  # fmt: skip


def run_json(damage, inner=None):
    def lay(root):
        path = root / "set" / "run.json"
        content = json.loads(path.read_text())
        if inner is not None:
            content["settings"][inner[0]] = inner[1]
            path.write_text(json.dumps(content))
        elif isinstance(damage, dict):
            path.write_text(json.dumps({**content, **damage}))
        else:
            path.write_bytes(damage if isinstance(damage, bytes) else damage.encode())

    return lay


def gone(name):
    def lay(root):
        path = root / "set" / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return lay


def link(name, to="/etc/passwd"):
    def lay(root):
        (root / "set" / name).unlink()
        os.symlink(to, root / "set" / name)

    return lay


def lines(change):
    return changed("manifest.jsonl", lambda content: b"".join(change(content.splitlines(keepends=True))))


VERBS = {"generate": ("generate -n 3 -o set --option size=64", 2), "overwrite": ("generate -n 3 -o set --overwrite "
         "--option size=64", 2), "verify": ("verify set", 1), "show": ("show set --sheet x.png", 2),
         "export": ("export set out --to drive", 2)}  # fmt: skip
CASES = [
    *[
        (f"{verb} with settings {what}", command, ["run.json: not the settings of a run", "another folder"],
         run_json(damage), code)
        for verb, (command, code) in VERBS.items() for what, damage in RUNS.items()
    ],
    *[
        (f"{verb} with {what}", command, ["run.json: not the settings of a run", inner[0], "whole number"],
         run_json(None, inner), code)
        for verb, (command, code) in VERBS.items() for what, inner in INNER.items()
    ],
    *[
        (f"verify {what}", "verify set", [name, told, "--repair"], damage, 1)
        for what, name, told, damage in (
            ("a lost photograph", "images/eye000001.png", "missing", gone("images/eye000001.png")),
            ("a lost label", "labels/eye000002.png", "missing", gone("labels/eye000002.png")),
            ("a lost folder", "fov/eye000000.png", "missing", gone("fov")),
            ("an emptied photograph", "images/eye000000.png", "no whole PNG", changed("images/eye000000.png", lambda c: b"")),
            ("a cut photograph", "images/eye000000.png", "SHA-256", changed("images/eye000000.png", lambda c: c[:99])),
            ("a lost list", "datalist.json", "missing", gone("datalist.json")),
            ("a changed list", "datalist.json", "SHA-256", changed("datalist.json", lambda c: b"{}")),
            ("a changed card", "README.md", "SHA-256", changed("README.md", lambda c: c + b"!")),
            ("a lost summary", "summary.json", "not readable", gone("summary.json")),
            ("a cut summary", "summary.json", "not readable", changed("summary.json", lambda c: c[:40])),
            ("a summary of a list", "summary.json", "not readable", changed("summary.json", lambda c: b"[]")),
            ("a summary that leads out", "summary.json", "../../etc/passwd",
             changed("summary.json", lambda c: json.dumps({"files": {"../../etc/passwd": "0"}}).encode())),
            ("a cut record", "manifest.jsonl", "line 3", lines(lambda rows: [*rows[:2], rows[2][:50]])),
            ("a record of rubbish", "manifest.jsonl", "line 2", lines(lambda rows: [rows[0], b"}{\n", rows[2]])),
            ("a record twice", "manifest.jsonl", "twice", lines(lambda rows: [*rows, rows[0]])),
            ("a record lost", "manifest.jsonl", "1 of 3 samples", lines(lambda rows: rows[1:])),
            ("a record of a far index", "manifest.jsonl", "line 4",
             lines(lambda rows: [*rows, b'{"id": "eye999999999999"}\n'])),
            ("an empty manifest", "manifest.jsonl", "3 of 3 samples", changed("manifest.jsonl", lambda c: b"")),
            ("a linked photograph", "images/eye000001.png", "a link", link("images/eye000001.png")),
            ("a linked list", "datalist.json", "a link", link("datalist.json")),
        )
    ],
    ("verify a linked run.json", "verify set", ["run.json", "a link"], link("run.json")),
    ("generate with a linked run.json", VERBS["generate"][0], ["run.json", "a link"], link("run.json")),
    ("verify without a manifest", "verify set", ["manifest.jsonl", "not there"], gone("manifest.jsonl")),
    ("verify without settings", "verify set", ["run.json", "folder of a data set"], gone("run.json")),
    ("verify nothing", "verify nowhere", ["nowhere", "folder of a data set"]),
    ("repair nothing", "verify nowhere --repair", ["nowhere", "folder of a data set"]),
    ("show nothing", "show nowhere", ["nowhere", "folder of a data set"]),
    ("export nothing", "export nowhere out --to drive", ["nowhere", "folder of a data set"]),
    ("verify a file", "verify set/README.md", ["README.md", "folder of a data set"]),
    ("verify with no thread", "verify set --threads 0", ["--threads", "1"]),
]  # fmt: skip


def test_it_is_told(case, world):
    world.check(case)


MENDED = {
    "a lost photograph": gone("images/eye000001.png"), "a lost folder": gone("labels"), "a lost list": gone("datalist.json"),
    "an emptied photograph": changed("images/eye000000.png", lambda content: b""),
    "a changed byte": changed("labels/eye000002.png", lambda content: content[:-9] + b"x" + content[-8:]),
    "a changed card": changed("README.md", lambda content: b""), "a lost summary": gone("summary.json"),
    "a cut record": lines(lambda rows: [*rows[:2], rows[2][:50]]), "a lost record": lines(lambda rows: rows[1:]),
    "a record of rubbish": lines(lambda rows: [rows[0], rows[1][:60] + b"\n", rows[2]]),
    "a linked photograph": link("images/eye000001.png"), "an empty manifest": changed("manifest.jsonl", lambda content: b""),
}  # fmt: skip


@pytest.mark.parametrize("command", ["verify set --repair", "generate -n 3 -o set --option size=64 --quiet"])
@pytest.mark.parametrize("damage", MENDED)
def test_it_is_mended_to_the_same_bytes(damage, command, world):
    MENDED[damage](world.root)
    assert world.run("verify set").code == 1
    answer = world.run(command)
    assert answer.code == 0, answer.err
    assert world.run("verify set").code == 0
    for folder in ("images", "labels", "av", "fov"):
        for path in (world.finished / folder).iterdir():
            assert (world.root / "set" / folder / path.name).read_bytes() == path.read_bytes()
