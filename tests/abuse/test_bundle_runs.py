"""Wrong inputs to runs through ``monai.bundle``: trainings and inference of the bundles.

A row: name, bundle, configuration file, options, parts of the message, what is laid out before. The workflow is opened
and run in this process as ``python -m monai.bundle run`` does it; that the process ends with this one message and exit
code 2 is tested once, in ``tests/launch/test_bundle_run.py``. Options that
MONAI's command line cannot read are not rows here.
"""

import inspect
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import create_workflow
from PIL import Image

from monai_fundusgen.launch.bundle_run import user_message

ROOT = Path(__file__).parents[2] / "bundles"
MASKS, PHOTOGRAPHS, ENLARGER = "fundus_av_mask_ddpm", "fundus_photograph_pix2pixhd", "fundus_superresolution_edsr"
TINY = json.loads((Path(__file__).parents[1] / "bundles/tiny.json").read_text())
NO_OPTION = "the bundle has no option of that name"


def text(name, content):
    return lambda root: (root / name).write_text(content)


def listed(**items):
    """A datalist of one black picture, with other entries."""

    def lay_out(root):
        Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(root / "eye.png")
        (root / "list.json").write_text(json.dumps({"training": [{"image": "eye.png", **items}] * 3}))

    return lay_out


def weights(content):
    return lambda root: torch.save(content, root / "given.pt")


def a_training(root):
    """A folder that says that a training writes there, with a checkpoint that is cut."""
    (root / "runs").mkdir()
    (root / "runs/run.json").write_text(json.dumps({"sessions": []}))
    (root / "runs/checkpoint.pt").write_bytes(b"PK\x03\x04 cut")


def unknown(bundle, config, wrong, near):
    return (f"{bundle}: {wrong}", bundle, config, {wrong: 1}, [f"--{wrong}: {NO_OPTION}", near])


def impossible(name, value, expected, bundle=ENLARGER, config="train.yaml"):
    return (f"{config} {name} {value!r}", bundle, config, {name: value}, [f"--{name}", expected])


WHOLE, NUMBER = "expected a whole number from 1", "expected a number"
CASES = [
    unknown(MASKS, "train.yaml", "epochs", "--max_epochs?"),
    unknown(MASKS, "train.yaml", "datlist", "--datalist?"),
    unknown(MASKS, "train.yaml", "num_samples", "?"),
    unknown(PHOTOGRAPHS, "train.yaml", "learning_rat", "--learning_rate?"),
    unknown(PHOTOGRAPHS, "train.yaml", "outputdir", "--output_dir?"),
    unknown(PHOTOGRAPHS, "train.yaml", "zzz", "train.yaml"),
    unknown(ENLARGER, "train.yaml", "batchsize", "--batch_size?"),
    unknown(ENLARGER, "train.yaml", "patch", "--patch_size?"),
    unknown(MASKS, "inference.yaml", "num_sample", "--num_samples?"),
    unknown(PHOTOGRAPHS, "inference.yaml", "weight", "--weights?"),
    unknown(ENLARGER, "inference.yaml", "max_epochs", NO_OPTION),
    ("two unknown options", MASKS, "train.yaml", {"epochs": 1, "sed": 1}, ["--epochs", "--sed", "--seed?"]),
    *(impossible("max_epochs", value, WHOLE) for value in (0, -3, 1.5, "ten", True)),
    *(impossible("batch_size", value, WHOLE) for value in (0, "x")),
    *(impossible("learning_rate", value, "a number above 0") for value in (0, -1, "fast", float("nan"), float("inf"))),
    *(impossible(name, 0, WHOLE) for name in ("iterations_per_epoch", "image_size", "patch_size", "preview_epochs")),
    *(impossible(name, 0, WHOLE) for name in ("val_interval",)),
    ("nothing held back", ENLARGER, "train.yaml", {"num_validation": 0}, ["num_validation is 0", "validation section"]),
    *(impossible(name, -1, "a whole number from 0") for name in ("seed", "num_workers", "num_phantoms", "early_stop")),
    *(impossible(name, 1.5, "a number from 0 to 1") for name in ("phantom_share", "degrade", "drop_guide")),
    impossible("recolour", -0.1, "a number from 0 to 1", PHOTOGRAPHS),
    impossible("half_life_images", 0, "a number above 0"),
    impossible("field_deg", 200, "a number above 0 to 180"),
    impossible("field_cut", 0, "a number above 0"),
    impossible("max_minutes", 0, "a number above 0, or null"),
    impossible("max_minutes", "ten", "a number above 0, or null"),
    impossible("tensorboard", "yes", "true or false"),
    impossible("device", "cpu", "torch.device('cpu')"),
    impossible("output_dir", 2024, "./runs"),
    impossible("datalist", 7, "a text"),
    impossible("pretrained", 3, "a text"),
    impossible("seed", "$nothing", "cannot be evaluated"),
    impossible("weights", 5, "a text", MASKS, "inference.yaml"),
    impossible("num_evaluations", 0, WHOLE, MASKS, "inference.yaml"),
    impossible("batch_size", 0, WHOLE, MASKS, "inference.yaml"),
    impossible("num_phantoms", -1, "a whole number from 0", PHOTOGRAPHS, "inference.yaml"),
    ("no datalist there", ENLARGER, "train.yaml", {"datalist": "nowhere.json"}, ["nowhere.json", "fundusgen datalist"]),
    ("a folder as datalist", MASKS, "train.yaml", {"datalist": "set"}, ["set", "give the JSON file"]),
    ("a datalist that is no JSON", MASKS, "train.yaml", {"datalist": "list.json"}, ["list.json", "not even JSON"],
     text("list.json", "{")),
    ("a datalist that is a list", MASKS, "train.yaml", {"datalist": "list.json"}, ["list.json", "expected an object"],
     text("list.json", "[]")),
    ("an empty training list", MASKS, "train.yaml", {"datalist": "list.json"}, ["list.json", "training list is empty"],
     text("list.json", '{"training": []}')),
    ("no training list", MASKS, "train.yaml", {"datalist": "list.json"}, ["no list of items 'training'", "testing (0)"],
     text("list.json", '{"testing": []}')),
    ("pictures that are gone", ENLARGER, "train.yaml", {"datalist": "list.json"}, ["gone.png", "missing"],
     text("list.json", '{"training": [{"image": "gone.png"}]}')),
    ("a mask model without labels", MASKS, "train.yaml", {"datalist": "list.json"},
     ["has no label", "artery/vein labels are needed here"], listed()),
    ("a photograph model without labels", PHOTOGRAPHS, "train.yaml", {"datalist": "list.json"},
     ["has no label", "artery/vein labels are needed here"], listed()),
    ("more held back than there is", ENLARGER, "train.yaml", {"datalist": "list.json", "num_validation": 3},
     ["num_validation: found 3 of 3", "one item left to train on"], listed()),
    ("no weights to start from", ENLARGER, "train.yaml", {"pretrained": "gone.pt"}, ["gone.pt", "give the path"]),
    ("weights that are text", ENLARGER, "train.yaml", {"pretrained": "given.pt"},
     ["given.pt", "not a readable weights file"], text("given.pt", "weights")),
    ("weights of another network", ENLARGER, "train.yaml", {"pretrained": "given.pt"},
     ["given.pt", "weights of another network"], weights({"a": torch.zeros(1)})),
    ("weights that are a list", ENLARGER, "train.yaml", {"pretrained": "given.pt"},
     ["given.pt", "expected a state dict"], weights([1, 2])),
    ("a file as folder", ENLARGER, "train.yaml", {"output_dir": "taken"}, ["taken", "expected a folder"],
     text("taken", "mine")),
    ("a folder below a file", ENLARGER, "train.yaml", {"output_dir": "taken/runs"}, ["taken", "another output folder"],
     text("taken", "mine")),
    ("a data set as folder", ENLARGER, "train.yaml", {"output_dir": "set"}, ["set", "is no training"]),
    ("the bundle's own folder", ENLARGER, "train.yaml", {"output_dir": str(ROOT / ENLARGER)},
     [ENLARGER, "holds something that is no training"]),
    ("a checkpoint that is cut", ENLARGER, "train.yaml", {},
     ["checkpoint.pt", "not a readable checkpoint", "delete it to begin anew"], a_training),
    ("a longer decay than the run", ENLARGER, "train.yaml", {"max_epochs": 2, "decay_epochs": 3},
     ["decay_steps: found 3", "expected 0 to 2"]),
    ("nothing to train on", ENLARGER, "train.yaml", {"num_phantoms": 0}, ["no items to draw from", "give a datalist"]),
    ("another precision", ENLARGER, "train.yaml", {"autocast": "float8"}, ["autocast", "'float8'", "bfloat16"]),
    ("a misspelt setting of the network", ENLARGER, "train.yaml", {"network_def#chanels": 8},
     ["EDSR", "unexpected keyword argument 'chanels'"]),
    ("an impossible setting of the network", ENLARGER, "train.yaml", {"network_def#scale": 5},
     ["EDSR: scale is 5", "expected one of"]),
    ("a prediction that there is not", MASKS, "train.yaml", {"prediction": "noise"},
     ["parametrisation 'noise'", "eps"]),
    ("another phase", PHOTOGRAPHS, "train.yaml", {"phase": "both"}, ["phase", "'both'"]),
    ("weights that are gone", MASKS, "inference.yaml", {"weights": "gone.pt"}, ["gone.pt", "train the bundle first"]),
    ("no samples", MASKS, "inference.yaml", {"num_samples": 0}, ["num_samples: found 0", "at least 1"]),
    ("another solver", MASKS, "inference.yaml", {"solver": "euler"}, ["euler", "dpm_solver"]),
    ("a density above all", MASKS, "inference.yaml", {"target_density": 2}, ["density: found 2", "0.03 to 0.25"]),
    ("a third side", MASKS, "inference.yaml", {"laterality": "up"}, ["laterality: found 'up'", "right, left, either"]),
    ("another style", PHOTOGRAPHS, "inference.yaml", {"style": "nice"}, ["style: found 'nice'", "own, drawn, mean"]),
    ("a part of the list that there is not", PHOTOGRAPHS, "inference.yaml", {"datalist": "list.json"},
     ["no list of items 'testing'", "training (3)"], listed(label="eye.png")),
]  # fmt: skip


def test_it_is_told(case, world, monkeypatch):
    _, bundle, config, options, says, before = (*case, None)[:6]
    tree_hash = inspect.getmodule(type(world)).tree_hash
    folder = ROOT / bundle
    shrunk = {name: value for name, value in TINY[bundle].items() if config == "train.yaml"}
    small = {"num_phantoms": 1, "num_validation": 1, "batch_size": 1, "max_epochs": 1, "iterations_per_epoch": 1}
    if config == "inference.yaml":
        small = {"num_samples": 1} if bundle == MASKS else {"num_phantoms": 1, "image_size": 64}
    if before is not None:
        before(world.root)
    earlier = tree_hash(world.root)
    with warnings.catch_warnings(), pytest.raises(RuntimeError) as caught:
        warnings.simplefilter("ignore")
        create_workflow(
            workflow_type="train" if config == "train.yaml" else "infer",
            config_file=str(folder / "configs" / config),
            meta_file=str(folder / "configs/metadata.json"),
            logging_file=str(folder / "configs/logging.conf"),
            bundle_root=str(folder),
            **{"output_dir": "runs", "device": "$torch.device('cpu')", **shrunk, **small, **options},
        ).run()
    message = user_message(caught.value)
    assert message is not None, caught.getrepr(style="short")
    assert len(says) >= 2 and not [part for part in says if part not in message], message
    now = tree_hash(world.root)
    changed = {name for name in earlier.keys() | now.keys() if earlier.get(name) != now.get(name)}
    left = {name for name in changed if not (name == "runs" or name.startswith("runs/"))}
    assert not left, left
    written = {Path(name).name for name in changed} - {
        "runs",
        "configs",
        "inference.yaml",
        "metadata.json",
        ".train.lock",
        ".train.holder",
    }
    assert not written, written  # an empty run's folder may be there, nothing else


def test_the_table_is_as_long_as_it_says():
    assert len(CASES) >= 70
