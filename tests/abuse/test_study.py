"""Wrong inputs to ``fundusgen study``."""

import json

import yaml

NET = {"bundle": "fundus_av_unet"}


def written(change_list=lambda content: None, **changes):
    """A study of the finished data set, its third row to validate and to test on apart, with entries changed."""

    def lay_out(root):
        content = json.loads((root / "set" / "datalist.json").read_text())
        rows = [{key: f"set/{row[key]}" for key in ("image", "label", "fov")} for row in content["training"]]
        parts = {"training": rows[:1], "validation": rows[1:2], "testing": rows[2:]}
        content = {"name": "eyes", "labels": content["labels"], **parts}
        change_list(content)
        (root / "eyes.json").write_text(json.dumps(content))
        study = {
            "lists": {"eyes": "eyes.json"},
            "validation": {"list": "eyes", "section": "validation"},
            "tests": {"eyes": {"list": "eyes", "section": "testing"}},
            "arms": {"one": {"data": {"eyes": 1}}},
            "methods": {"net": NET},
            "steps": 4,
            "epoch_steps": 2,
            **changes,
        }
        (root / "study.yaml").write_text(yaml.safe_dump({name: value for name, value in study.items() if value}))

    return lay_out


def changed(**values):
    def change(content):
        content.update(values)

    return change


def of_rows(section, **values):
    """Entries of every row of a section set, or taken away where the value is None."""

    def change(content):
        for row in content[section]:
            row.update(values)
            for key in [key for key, value in values.items() if value is None]:
                del row[key]

    return change


def text(content):
    return lambda root: (root / "study.yaml").write_text(content)


def file_in_the_way(root):
    written()(root)
    (root / "out").write_text("")


RUN = "study study.yaml -o out"
VESSELS = {"0": "background", "1": "vessel"}
CASES = [
    ("no configuration", "study gone.yaml -o out", ["gone.yaml: no such configuration", "docs/how-to/study.md"]),
    ("no YAML", RUN, ["study.yaml: neither YAML nor JSON"] * 2, text("a: [")),
    ("an empty file", RUN, ["found None", "expected entries"], text("")),
    ("a misspelt entry", RUN, ["no entry 'methds'", "did you mean methods"], written(methds={"a": 1})),
    ("no arms", RUN, ["no entry 'arms'", "add it"], written(arms=None)),
    ("no steps", RUN, ["no entry 'steps'", "add it"], written(steps=None)),
    ("another bundle", RUN, ["found 'unet'", "expected one of fundus_av_unet"],
     written(methods={"net": {"bundle": "unet"}})),
    ("an option that the bundle has not", RUN, ["windw_size", "did you mean window_size"],
     written(methods={"net": {**NET, "options": {"windw_size": 3}}})),
    ("an option that the study sets", RUN, ["max_epochs", "leave it out"],
     written(methods={"net": {**NET, "options": {"max_epochs": 3}}})),
    ("a list that there is not", RUN, ["nowhere.json: no such datalist", "fundusgen datalist"],
     written(lists={"eyes": "nowhere.json"})),
    ("no such list to replace", f"{RUN} --list eye=eyes.json", ["no list of that name", "did you mean eyes"], written()),
    ("a list without a path", f"{RUN} --list eyes", ["--list: found 'eyes'", "NAME=PATH"], written()),
    ("a list without labels", RUN, ["item 0 of training has no label", "artery/vein labels are needed"],
     written(of_rows("training", label=None))),
    ("vessels alone for a method of kinds", RUN, ["has no label", "artery/vein labels are needed"],
     written(changed(labels=VESSELS))),
    ("vessels alone to test on", RUN, ["item 0 of testing has no label", "artery/vein labels are needed"],
     written(lambda content: [row.update(vessel=row.pop("label")) for row in content["testing"]])),
    ("files that are missing", RUN, ["2 of its files are missing", "a.png", "b.png", "move the datalist back"],
     written(of_rows("training", image="a.png", fov="b.png"))),
    ("a section that is empty", RUN, ["testing list is empty", "name another section"], written(changed(testing=[]))),
    ("more rows than there are", RUN, ["found 5 rows", "expected at most 1"], written(arms={"a": {"data": {"eyes": 5}}})),
    ("nothing left to train on", RUN, ["num_validation: found 1 of 1", "one item left"],
     written(validation={"list": "eyes", "rows": 1})),
    ("a test photograph that is trained on", RUN, ["tests: eyes", "is in eyes too", "take it out"],
     written(lambda content: content["training"].extend(content["testing"]))),
    ("no process", f"{RUN} --processes 0", ["--processes: found 0", "expected 1 or more"], written()),
    ("a file as folder", RUN, ["out: found a file", "expected a folder"], file_in_the_way),
]  # fmt: skip


def test_it_is_told(case, world):
    world.check(case)
