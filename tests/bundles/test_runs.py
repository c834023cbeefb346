"""The bundles run as users run them, with networks small enough for a test."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from monai_fundusgen.data.datalist import build_datalist, write_datalist
from monai_fundusgen.data.layouts import find_layout
from monai_fundusgen.handlers.run_record import read_history
from tests.bundles.workflows import run_to_the_end, workflow
from tests.processes import run_ranks

#: Settings that shrink each bundle until it runs in a test.
TINY = json.loads(Path(__file__).with_name("tiny.json").read_text())


def train(bundle, output_dir, **overrides):
    options = {
        "num_phantoms": 1, "num_validation": 1, "batch_size": 2, "iterations_per_epoch": 2, "max_epochs": 2,
        "preview_epochs": 2, "val_interval": 1,
    }  # fmt: skip
    settings = {**TINY[bundle.name], **options, **overrides, "output_dir": str(output_dir)}
    run_to_the_end(bundle, "train", ["train.yaml"], **settings)


def infer(bundle, **overrides):
    run_to_the_end(bundle, "infer", ["inference.yaml"], **overrides)


def test_training_writes_weights_checkpoint_history_and_preview(trained_bundle, tmp_path):
    train(trained_bundle, tmp_path)
    assert {"model.pt", "checkpoint.pt", "losses.jsonl", "run.json"} <= {path.name for path in tmp_path.iterdir()}
    assert np.asarray(Image.open(next((tmp_path / "previews").iterdir()))).ndim == 3
    assert len(read_history(tmp_path)) == 2


def test_a_training_that_was_cut_gives_the_weights_of_one_that_was_not(trained_bundle, tmp_path):
    constant_rate = {"warmup_iterations": 0} if "ddpm" in trained_bundle.name else {"decay_epochs": 0}
    train(trained_bundle, tmp_path / "whole", **constant_rate)
    for epochs in (1, 2):  # the second command finds the checkpoint of the first
        train(trained_bundle, tmp_path / "cut", max_epochs=epochs, **constant_rate)
    whole, cut = (torch.load(tmp_path / name / "model.pt", weights_only=True) for name in ("whole", "cut"))
    assert all(torch.equal(whole[name], cut[name]) for name in whole)


@pytest.fixture(scope="module")
def dataset(bundle_root, tmp_path_factory):
    root = tmp_path_factory.mktemp("a folder") / "synthetic"
    options = {"num_samples": 3, "photograph_source": "phantom", "mask_source": "phantom", "size": 256}
    infer(bundle_root / "fundus_dataset_generation", output_dir=str(root), **options)
    return root


def test_a_data_set_has_pictures_labels_and_a_datalist(dataset):
    items = json.loads((dataset / "datalist.json").read_text())["training"]
    assert len(items) == 3
    for item in items:
        photograph, label, fov = (np.asarray(Image.open(dataset / item[key])) for key in ("image", "label", "fov"))
        assert photograph.shape == (256, 256, 3) and label.shape == fov.shape == (256, 256)
        assert set(np.unique(label)) <= {0, 1, 2, 3} and {1, 2} <= set(np.unique(label))
        assert not photograph[fov == 0].any() and not label[fov == 0].any()
    assert (dataset / "contact_sheet.png").exists()


def test_a_stopped_generation_continues_to_the_same_bytes(dataset, bundle_root, tmp_path):
    options = {
        "photograph_source": "phantom",
        "mask_source": "phantom",
        "size": 256,
        "output_dir": str(tmp_path / "set"),
    }
    for count in (1, 3):
        infer(bundle_root / "fundus_dataset_generation", num_samples=count, extend=count > 1, **options)
    for path in sorted(dataset.rglob("*.png")):
        assert (tmp_path / "set" / path.relative_to(dataset)).read_bytes() == path.read_bytes(), path.name


PLAIN_CASCADE = {
    "_target_": "monai_fundusgen.networks.nets.cascade.PhotographCascade",
    "generator": {"_target_": "torch.nn.Conv2d", "in_channels": 5, "out_channels": 3, "kernel_size": 1},
    "enlarger": {"_target_": "torch.nn.Identity"},
}


def test_maps_from_a_folder_give_back_their_labels(dataset, bundle_root, tmp_path):
    infer(
        bundle_root / "fundus_dataset_generation",
        num_samples=2,
        mask_source="folder",
        mask_folder=str(dataset / "labels"),
        size=256,
        output_dir=str(tmp_path / "set"),
        network=PLAIN_CASCADE,  # any network: labels and fields do not depend on it
    )
    for name in ("labels/eye000000.png", "fov/eye000001.png"):
        made, given = (np.asarray(Image.open(root / name)) for root in (tmp_path / "set", dataset))
        assert np.array_equal(made, given)


def tutorial_module(bundle_root):
    tutorial = bundle_root.parent / "docs/tutorials/train_segmentation.py"
    spec = importlib.util.spec_from_file_location("train_segmentation", tutorial)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_monais_own_network_learns_from_the_datalist(dataset, bundle_root):
    torch.manual_seed(0)
    _, curve, dice = tutorial_module(bundle_root).train(dataset / "datalist.json", epochs=8)
    assert curve[-1] < 0.9 * curve[0]
    assert dice.keys() == {"artery", "vein", "crossing"} and all(0 <= value <= 1 for value in dice.values())


@pytest.mark.parametrize("kinds", [True, False])
def test_the_tutorial_reads_colours_and_vessel_maps(dataset, bundle_root, tmp_path, kinds):
    """Labels of a public set are coloured, those of a vessel set have two levels and no kinds."""
    for name in ("images", "av" if kinds else "vessel"):
        (tmp_path / name).mkdir()
    for path in sorted((dataset / "images").glob("*.png"))[:2]:
        (tmp_path / "images" / path.name).write_bytes(path.read_bytes())
        codes = np.asarray(Image.open(dataset / "labels" / path.name))
        label = np.array([(0, 0, 0), (255, 0, 0), (0, 0, 255), (0, 255, 0)], np.uint8)[codes] if kinds else (
            np.where(codes > 0, 255, 0).astype(np.uint8)
        )  # fmt: skip
        Image.fromarray(label).save(tmp_path / ("av" if kinds else "vessel") / path.name)
    written = tmp_path / "list.json"
    write_datalist(written, build_datalist(find_layout("paired"), tmp_path, tmp_path))
    _, curve, dice = tutorial_module(bundle_root).train(written, epochs=1, patches=2)
    assert np.isfinite(curve[0]) and dice.keys() == ({"artery", "vein", "crossing"} if kinds else {"vessel"})


def run_two_processes(bundle, config, folder, **overrides):
    configs = [str(bundle / "configs" / name) for name in (config, "multi_gpu.yaml")]
    arguments = [f"--{name}={value}" for name, value in overrides.items()]
    files = ["--config_file", configs, "--meta_file", bundle / "configs/metadata.json"]
    run_ranks(["run", *files, "--bundle_root", bundle, *arguments], folder)


def test_two_processes_write_the_data_set_of_one(dataset, bundle_root, tmp_path):
    options = {"num_samples": 3, "size": 256, "output_dir": str(tmp_path / "set")}
    run_two_processes(bundle_root / "fundus_dataset_generation", "inference.yaml", tmp_path, **options)
    for path in sorted(path for path in dataset.rglob("*") if path.suffix == ".png" or path.name == "datalist.json"):
        assert (tmp_path / "set" / path.relative_to(dataset)).read_bytes() == path.read_bytes(), path.name


@pytest.mark.parametrize(
    "name",
    [
        "fundus_superresolution_edsr",  # its channels-last buffer once stopped it
        pytest.param("fundus_av_mask_ddpm", marks=pytest.mark.slow),
        pytest.param("fundus_photograph_pix2pixhd", marks=pytest.mark.slow),
    ],
)
def test_two_processes_train_one_model(bundle_root, tmp_path, name):
    """The override for several processes, on gloo: both see the same weights, the first alone writes."""
    bundle = bundle_root / name
    overrides = {
        **TINY[bundle.name],
        "num_phantoms": 1,
        "num_validation": 1,
        "batch_size": 1,
        "iterations_per_epoch": 2,
        "max_epochs": 1,
    }
    run_two_processes(bundle, "train.yaml", tmp_path, output_dir=str(tmp_path / "run"), **overrides)
    state = torch.load(tmp_path / "run" / "model.pt", weights_only=True)
    assert not [name for name in state if name.startswith("module.")]
    assert len(read_history(tmp_path / "run")) == 1


def test_photographs_train_from_coarse_to_fine(bundle_root, tmp_path):
    """Global generator, enhancer, both: each phase starts from the weights of the one before."""
    bundle = bundle_root / "fundus_photograph_pix2pixhd"
    narrow = {"network_def#generator#base_channels": 4, "network_def#generator#num_blocks": 1}
    tiny = {key: value for key, value in TINY[bundle.name].items() if not key.startswith("network_def")}
    options = {
        **tiny,
        "num_phantoms": 1,
        "num_validation": 1,
        "batch_size": 1,
        "iterations_per_epoch": 1,
        "max_epochs": 1,
    }
    configs = ["train.yaml", "preset_global.yaml"]
    run_to_the_end(bundle, "train", configs, output_dir=str(tmp_path / "global"), **options, **narrow)
    coarse = tmp_path / "global" / "model.pt"
    common = {"num_phantoms": 1, "num_validation": 1, "batch_size": 1, "iterations_per_epoch": 1, "max_epochs": 1}
    train(bundle, tmp_path / "enhancer", pretrained_global=str(coarse), phase="enhancer", **common)
    train(bundle, tmp_path / "joint", pretrained=str(tmp_path / "enhancer" / "model.pt"), **common)
    states = [torch.load(tmp_path / name / "model.pt", weights_only=True) for name in ("global", "enhancer", "joint")]
    alone = next(key for key in states[0] if key.startswith("generator.blocks") and key.endswith("weight"))
    name = alone.replace("generator.", "generator.global_generator.", 1)
    assert torch.equal(states[0][alone], states[1][name])
    assert not torch.equal(states[1][name], states[2][name])


def test_a_data_set_is_compared_with_real_eyes(dataset, bundle_root, tmp_path):
    datalist = {"name": "eyes", "labels": {"1": "artery", "2": "vein"}, "testing": [{"seed": 900}, {"seed": 901}]}
    (tmp_path / "eyes.json").write_text(json.dumps(datalist))
    options = {"dataset_dir": str(dataset), "datalist": str(tmp_path / "eyes.json"), "features": "random", "size": 128}
    options |= {"output_dir": str(tmp_path / "report"), "phantoms": 0, "judged": 1, "card": False, "quiet": True}
    workflow(bundle_root / "fundus_evaluation", "infer", ["evaluate.yaml"], **options).run()
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert report["settings"]["real"] == "eyes.json" and report["features"]["to_real"]["synthetic"]["n"] >= 2
    assert report["judged"]["judge"]["network"] == "judge" and report["judged"]["sets"]["real"]["pictures"] == 1
    assert (tmp_path / "report" / "index.html").is_file()


def test_the_anatomy_of_sampled_masks_is_reported(bundle_root, tmp_path):
    options = {"num_samples": 1, "num_evaluations": 2, "output_dir": str(tmp_path)}
    workflow(bundle_root / "fundus_av_mask_ddpm", "infer", ["inference.yaml", "evaluate.yaml"], **options).run()
    assert len(json.loads((tmp_path / "structure.json").read_text())["maps"]) == 1


@pytest.mark.parametrize("name", ["fundus_photograph_pix2pixhd", "fundus_superresolution_edsr"])
def test_photographs_are_scored_against_the_truth(bundle_root, tmp_path, name):
    options = {"num_phantoms": 1, "image_size": 128, "output_dir": str(tmp_path)}
    workflow(bundle_root / name, "infer", ["inference.yaml", "evaluate.yaml"], **options).run()
    scores = dict(line.split(",") for line in (tmp_path / "metrics.csv").read_text().splitlines())
    found = {metric: float(value) for metric, value in scores.items()}
    assert found["psnr"] > 20 and found["mae"] < 0.1 and found["ssim"] > 0.7  # generator: 30.9 dB, 0.024, 0.94
    if name == "fundus_superresolution_edsr":  # what it paints at its own size can be read
        judged = json.loads((tmp_path / "judged.json").read_text())["sets"]
        assert {one["pictures"] for one in judged.values()} == {1} and list(judged) == ["real", "generated"]
