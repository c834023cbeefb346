"""Cards tell what happened: every source of maps, every painter, with and without the gate, weights told of or not."""

import itertools
import json
import re
import shlex

import pytest
import yaml

from monai_fundusgen.dataset.card import dataset_card
from monai_fundusgen.dataset.origin import Origin
from monai_fundusgen.dataset.provenance import stage_fingerprints
from monai_fundusgen.dataset.summary import Summary

SETS = [
    {"name": "HRF", "what": "24 maps of HRF", "reference": "Budai 2013", "terms": "CC BY 4.0", "people": True},
    {"name": "ours", "what": "procedural eyes", "reference": "here", "terms": "Apache-2.0", "people": False},
]
STAGES = {"phantom": {"phantom": [], "cascade": ["photograph", "enlarging"]}}
STAGES["ddpm"] = STAGES["folder"] = {"cascade": ["mask", "photograph", "enlarging"]}
CASES = [
    (source, optics, gate, told)
    for source in STAGES for optics in STAGES[source] for gate, told in itertools.product((True, False), repeat=2)
]  # fmt: skip


def settings_of(source, optics, gate, told, **more):
    names = [name for name in STAGES[source][optics] if name != "mask" or source == "ddpm"]
    stage = {"weights": "ab" * 32, "configuration": "cd" * 32, "training_data": SETS if told else None}
    return {
        "mask_source": source, "photograph_source": optics, "gate": gate, "size": 1024, "seed": 7, "num_samples": 12,
        "mask_folder": "my maps" if source == "folder" else None, "max_attempts": 4, "laterality": "either",
        "stages": {name: {**stage, "modality": "CFP"} for name in names}, **more,
    }  # fmt: skip


def card_of(*case, **more):
    return dataset_card("A title", settings_of(*case, **more), Summary(12, rejected_attempts=3, implausible=2))


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case)))
def test_a_card_says_what_is_known_and_nothing_else(case):
    source, optics, gate, told = case
    card, learnt = card_of(*case), "ddpm" in case or "cascade" in case
    assert ("HRF" in card) == (learnt and told) == ("CC BY 4.0" in card)
    assert ("unknown" in card) == (learnt and not told or source == "folder")
    assert ("grow as trees" in card and "no person's" in card) == (source == "phantom")
    assert ("No photograph shows a person's eye" in card) == (source != "folder")
    assert ("where they come from is not known" in card) == (source == "folder") == ("my maps" in card)
    assert ("exact" in card) == (source == "phantom")
    assert ("were refused" in card and "3 maps" in card and "2 kept" in card) == gate
    assert ("no gate was asked for" in card and "not checked (no gate)" in card) == (not gate)
    assert ("drawn again" in card) == (gate and source != "folder")
    assert card.count("Weights**") == {"phantom": 0, "cascade": 2}[optics] + (source == "ddpm")
    assert ("simulated optics" in card) == (optics == "phantom") and ("pix2pixHD" in card) == (optics == "cascade")
    free = source != "folder" and (told or not learnt)
    assert ("Apache-2.0 for this data set" in card) == free != ("Nothing is promised" in card)
    assert yaml.safe_load(card.split("---")[1])["license"] == ("apache-2.0" if free else "unknown")


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case)))
def test_made_by_is_a_command_that_asks_for_just_that(case):
    more = {"target_density": [0.06, 0.1], "shard_size": None, "style": "look.jpg" if case[1] == "cascade" else None}
    (command,) = re.findall(r"^    (fundusgen generate .*)$", card_of(*case, **more), re.MULTILINE)
    words = shlex.split(command)
    asked = dict(itertools.pairwise(words))
    assert asked["--mask-source"] == case[0] and asked["--photograph-source"] == case[1] and asked["--seed"] == "7"
    assert ("--gate" in words) == case[2] != ("--no-gate" in words)
    assert asked.get("--mask-folder") == ("my maps" if case[0] == "folder" else None)
    assert asked.get("--style") == ("look.jpg" if case[1] == "cascade" else None)
    assert "target_density=[0.06, 0.1]" in words and "size=1024" in words and "None" not in command


def test_one_eyed_sets_and_styles_are_told():
    card = card_of("ddpm", "cascade", True, True, laterality="left", style="look.jpg")
    assert "left eyes only" in card and "imitates the photograph `look.jpg`" in card


def test_a_set_whose_settings_are_not_known_makes_no_claims():
    origin = Origin({"mask_source": "ddpm", "photograph_source": "cascade"})
    assert not origin.knows_training_data and not origin.open_licence and origin.modality() == "unknown"


@pytest.fixture
def stage(tmp_path):
    """A bundle of one file of weights, told of in its metadata."""
    (tmp_path / "configs").mkdir()
    (tmp_path / "weights.pt").write_bytes(b"weights")
    (tmp_path / "configs" / "inference.yaml").write_text("weights: $@bundle_root + '/weights.pt'\nbundle_root: .\n")
    sha256 = stage_fingerprints(mask=tmp_path)["mask"]["weights"]
    write_metadata(tmp_path, {"weights_sha256": sha256, "sets": SETS})
    return tmp_path


def write_metadata(bundle, training_data):
    pred = {"outputs": {"pred": {"modality": "CFP"}}}
    content = {"training_data": training_data, "network_data_format": pred}
    (bundle / "configs" / "metadata.json").write_text(json.dumps(content))


def test_training_data_come_from_the_metadata_of_these_very_weights(stage):
    found = stage_fingerprints(mask=stage, photograph=None)
    assert found["mask"]["training_data"] == SETS and found["mask"]["modality"] == "CFP" and len(found) == 1
    (stage / "weights.pt").write_bytes(b"weights of a training of one's own")
    assert stage_fingerprints(mask=stage)["mask"]["training_data"] is None
    (stage / "configs" / "metadata.json").unlink()
    assert stage_fingerprints(mask=stage)["mask"]["modality"] is None


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"network_data_format": {"outputs": {"pred": 3}}}'])
def test_metadata_that_cannot_be_read_are_named(stage, content):
    (stage / "configs" / "metadata.json").write_text(content)
    with pytest.raises(ValueError, match="metadata.json: not the metadata of a bundle.*unknown"):
        stage_fingerprints(mask=stage)
