from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.transforms import Compose

from monai_fundusgen.data.datalist import build_datalist, write_datalist
from monai_fundusgen.data.draws import Draws
from monai_fundusgen.data.layouts import find_layout
from monai_fundusgen.data.one_size import one_size_collate
from monai_fundusgen.data.training_data import (
    datalist_folder,
    datalist_names,
    datalist_weights,
    load_items,
    training_data,
)


@pytest.fixture
def real(paired_set):
    root = paired_set()
    path = root / "datalist.json"
    write_datalist(path, build_datalist(find_layout("paired"), root, root))
    return str(path)


@pytest.fixture
def other(real):
    """The same files under another name, with a validation section."""
    content = json.loads(Path(real).read_text())
    content["validation"] = content["training"][:1]
    content["training"] = content["training"][1:]
    path = Path(real).with_name("other.json")
    path.write_text(json.dumps(content))
    return str(path)


def rewritten(path, change):
    content = json.loads(Path(path).read_text())
    change(content)
    Path(path).write_text(json.dumps(content))
    return path


def test_one_path_several_paths_and_weights():
    assert datalist_weights(None) == {}
    assert datalist_weights("a.json") == {"a.json": 1.0}
    assert datalist_weights(["a.json", "b.json"]) == {"a.json": 1.0, "b.json": 1.0}
    assert datalist_weights({"a.json": 1, "b.json": 2}) == {"a.json": 1.0, "b.json": 2.0}
    assert datalist_folder({"x/a.json": 1}, "y") == "x" and datalist_folder(None, "y") == "y"
    assert datalist_names({"x/a.json": 2}) == {"a.json": 2.0}


@pytest.mark.parametrize("wrong", [{}, [], {"a.json": 0}, {"a.json": "much"}])
def test_weights_must_be_above_zero(wrong):
    with pytest.raises(ValueError, match="weights above 0"):
        datalist_weights(wrong)


def test_draws_follow_the_weights_of_the_lists_not_their_lengths(real, other):
    data = training_data({real: 1, other: 3}, num_phantoms=5, phantom_share=0.5)
    assert len(data.training) == 4 + 3 + 5 and len(data.weights) == 12
    shares = np.array(data.weights) / sum(data.weights)
    assert shares[:4].sum() == pytest.approx(0.5 / 4) and shares[4:7].sum() == pytest.approx(0.5 * 3 / 4)
    draws = Draws(list(range(12)), Compose([]), length=4000, weights=data.weights)
    counts = Counter(min(draws[place] // 4, 1) if draws[place] < 7 else 2 for place in range(2000))
    assert counts[2] / 2000 == pytest.approx(0.5, abs=0.05)


def test_validation_is_the_lists_section_or_held_back_from_the_first(real, other):
    held = training_data(real, num_validation=1, seed=3)
    assert len(held.training) == 3 and len(held.validation) == 1
    assert held.validation[0]["image"] not in {item["image"] for item in held.training}
    assert held == training_data(real, num_validation=1, seed=3)
    sections = training_data({real: 1, other: 1})
    assert len(sections.validation) == 1 and len(sections.training) == 7


def test_without_a_list_phantoms_are_validated_on_that_are_not_trained_on():
    data = training_data(None, num_phantoms=3, num_validation=2)
    assert len(data.training) == 3 and len(data.validation) == 2
    assert not {item["seed"] for item in data.training} & {item["seed"] for item in data.validation}


def test_something_must_be_left_to_validate_on(real):
    with pytest.raises(ValueError, match="nothing to validate on"):
        training_data(real, num_validation=0)


def test_an_item_without_a_label_is_named(real):
    rewritten(real, lambda content: [content["training"][2].pop(key) for key in ("label", "vessel")])
    with pytest.raises(ValueError, match=r"datalist.json: item 2 of training has no label"):
        load_items(real, "training")


def test_vessel_only_labels_do_not_tell_kinds(real):
    rewritten(real, lambda content: content.update(labels={"0": "background", "1": "vessel"}))
    assert len(load_items(real, "training")) == 4
    with pytest.raises(ValueError, match="sets of vessel maps alone"):
        load_items(real, "training", kinds=True)


def test_missing_files_are_all_listed(real):
    paths = [item["image"] for item in json.loads(Path(real).read_text())["training"]]
    for path in paths:
        (Path(real).parent / path).unlink()
    with pytest.raises(FileNotFoundError) as error:
        training_data(real)
    assert all(Path(path).name in str(error.value) for path in paths)


def test_items_of_unequal_size_make_no_batch():
    items = [{"image": torch.zeros(3, 8, size), "name": "x"} for size in (8, 9)]
    assert one_size_collate(items[:1])["image"].shape == (1, 3, 8, 8)
    with pytest.raises(ValueError, match=r"mixed sizes: image \(3, 8, 8\), \(3, 8, 9\); set crop_size"):
        one_size_collate(items)
