"""A small study in words, and a data set of four phantom eyes to run it on."""

from __future__ import annotations

import json

import pytest
import yaml

#: A study of two arms; ``LIST`` is a list with validation and test rows.
TEXT = """
name: small
lists: {eyes: LIST}
validation: {list: eyes, section: validation}
tests: {eyes: {list: eyes, section: testing}}
arms:
  one: {data: {eyes: 1}}
  two: {data: {eyes: 2}, base: one}
  later: {first: {eyes: 1}, data: {eyes: 2}, base: two}
methods:
  net: {bundle: fundus_av_unet}
seeds: [0, 1]
steps: 4
epoch_steps: 2
"""


@pytest.fixture
def listed(finished_set, tmp_path):
    """Datalist with two rows to train on, one to validate and one to test on."""
    content = json.loads((finished_set / "datalist.json").read_text())
    rows = [{key: str(finished_set / row[key]) for key in ("image", "label", "fov")} for row in content["training"]]
    parts = {"training": rows[:2], "validation": rows[2:3], "testing": rows[3:]}
    path = tmp_path / "eyes.json"
    path.write_text(json.dumps({"name": "eyes", "labels": content["labels"], **parts}))
    return path


@pytest.fixture
def configured(listed, tmp_path):
    """Path of the study above with entries changed."""

    def write(**changes):
        content = {**yaml.safe_load(TEXT.replace("LIST", listed.name)), **changes}
        path = tmp_path / "small.yaml"
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        return path

    return write
