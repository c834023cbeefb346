"""Folders of someone else, and of other runs: refused by name, untouched, with --overwrite too."""

import json
import shutil


def holds(*names, content="mine"):
    """Lay out a folder ``taken`` with these files and folders."""

    def lay(root):
        for name in names:
            path = root / "taken" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if name.endswith("/"):
                path.mkdir()
            else:
                path.write_text(content)

    return lay


def marked(content, *others):
    """A folder with this run.json, and photographs of someone."""

    def lay(root):
        holds("images/mine.png", "README.md", *others)(root)
        (root / "taken" / "run.json").write_text(content if isinstance(content, str) else json.dumps(content))

    return lay


def with_stray(name):
    def lay(root):
        (root / "set" / name).write_text("mine")

    return lay


def old_version(root):
    path = root / "set" / "run.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({name: content[name] for name in ("num_samples", "settings", "settings_sha256")}))


def other_version(field, value):
    def lay(root):
        path = root / "set" / "run.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))

    return lay


def is_file(root):
    (root / "taken").write_text("mine")


def linked(name):
    def lay(root):
        (root / "elsewhere").mkdir()
        shutil.rmtree(root / "set" / name, ignore_errors=True)
        (root / "set" / name).unlink(missing_ok=True)
        (root / "set" / name).symlink_to(root / "elsewhere")

    return lay


WAYS = [("", ""), (" --overwrite", " overwritten")]
TAKEN = "generate -n 3 -o taken --option size=64"
SET = "generate -n 3 -o set --option size=64"
TRAINING = {"sessions": [{"versions": {}, "settings": {}}]}
NAMED = {"schema": "monai_fundusgen training", "schema_version": 2, "sessions": []}
CASES = [
    *[
        (f"{name}{how}", TAKEN + flag, ["taken: holds", name.split("/")[0], "another output folder"], holds(name))
        for flag, how in WAYS
        for name in ("images/mine.png", "labels/mine.png", "README.md", "datalist.json", "manifest.jsonl", "summary.json",
                     "journal/mine.jsonl", "croissant.json", "contact_sheet.png", "fov/", "shard-00000/x")
    ],
    *[
        (f"run.json of {whose}{how}", TAKEN + flag, ["run.json", told, "another folder"], marked(content))
        for flag, how in WAYS
        for whose, content, told in (
            ("a training", TRAINING, "of a training"), ("a named training", NAMED, "of a training"),
            ("someone", {"model": "x"}, "another program"), ("a list", [1], "not the settings"),
            ("nobody", "", "not the settings"), ("an empty object", {}, "another program"),
            ("another schema", {"schema": "x", "settings": {}, "num_samples": 3}, "another program"),
        )
    ],
    ("a file in its place", TAKEN, ["taken: found a file", "another output folder"], is_file),
    ("a file in its place overwritten", TAKEN + " --overwrite", ["taken: found a file", "another output folder"], is_file),
    ("a folder below a file", "generate -n 1 -o taken/new --option size=64", ["taken", "another output folder"], is_file),
    *[(f"a stranger's {name}", SET + " --overwrite", [name, "move it elsewhere"], with_stray(name))
      for name in ("images/notes.txt", "labels/mine.png", "av/x", "fov/.hidden")],
    ("another seed", SET + " --seed 4", ["seed: there 0, now 4", "--overwrite"]),
    ("fewer samples", "generate -n 2 -o set --option size=64", ["3 samples, now 2", "at least as many"]),
    ("more samples", "generate -n 4 -o set --option size=64", ["3 samples, now 4", "--extend"]),
    ("another size", "generate -n 3 -o set --option size=128", ["size: there 64, now 128", "--overwrite"]),
    ("another nested setting", SET + " --option maps#anatomy#finest_level=1", ["finest_level: there 3, now 1", "--overwrite"]),
    ("another gate", SET + " --gate", ["gate", "now", "--overwrite"]),
    ("shards", SET + " --shard-size 2", ["shard_size: there None, now 2", "--overwrite"]),
    ("an earlier version", SET, ["run.json is of an earlier version", "--overwrite"], old_version),
    ("a later schema", SET, ["schema_version 9", "use the version"], other_version("schema_version", 9)),
    ("a later schema overwritten", SET + " --overwrite", ["schema_version 9", "use the version"],
     other_version("schema_version", 9)),
    ("another version of the tool", SET, ["tool_version: there '0.0.1'", "now"], other_version("tool_version", "0.0.1")),
    *[(f"{name} is a link{how}", SET + flag, [name, "a link", "put it there itself"], linked(name))
      for flag, how in WAYS for name in ("images", "labels", "journal")],
]  # fmt: skip


def test_it_is_told(case, world):
    world.check(case)


def test_an_earlier_version_gives_way_when_it_is_told_to(world):
    old_version(world.root)
    assert world.run("show set").code == 0
    assert world.run(f"{SET} --overwrite --quiet").code == 0
    assert json.loads((world.root / "set" / "run.json").read_text())["schema"] == "monai_fundusgen data set"
