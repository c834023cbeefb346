"""The published methods train, validate, score and label from their bundles; none has weights of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser, verify_net_in_out
from PIL import Image

from monai_fundusgen.handlers.run_record import read_history
from tests.bundles.workflows import workflow

NETWORK = {
    "fundus_vessel_ssanet": {"network_def#width": 1 / 16},
    "fundus_vessel_rvgan": {"network_def#base_channels": 4, "network_def#num_coarse_blocks": 1},
    "fundus_av_hvgn": {"features_def#width": 1 / 16},
}
TRAINING = {
    "fundus_vessel_ssanet": {"crop_size": 48},
    "fundus_vessel_rvgan": {"crop_size": 32, "batch_size": 2, "discriminators_def#base_channels": 4},
    "fundus_av_hvgn": {"crop_size": 64},
}
METHODS = tuple(NETWORK)
SMALL = {"phantom_size": 96, "num_phantoms": 1}


@pytest.fixture(autouse=True)
def _graphs(request):
    if "fundus_av_hvgn" in request.node.name:
        pytest.importorskip("torch_geometric")


def made(method, kind, configs, **overrides):
    return workflow(method, kind, configs, **{**SMALL, **NETWORK[method.name], **overrides})


def train(method, output_dir, configs=("train.yaml",), **overrides):
    options = {"num_validation": 1, "iterations_per_epoch": 2, "max_epochs": 2, "val_interval": 1}
    run = made(
        method, "train", configs, output_dir=str(output_dir), **{**TRAINING[method.name], **options, **overrides}
    )
    run.run()
    run.finalize()
    return run


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Folder of a finished training of a method; each is trained once."""
    folders = {}

    def folder(method):
        if method.name not in folders:
            folders[method.name] = tmp_path_factory.mktemp(method.name)
            run = train(method, folders[method.name])
            assert run.check_properties() == []
        return folders[method.name]

    return folder


def test_training_validates_and_keeps_the_best_weights(method, trained):
    folder = trained(method)
    report = json.loads((folder / "model.json").read_text())
    curve = [json.loads(line) for line in (folder / "validation.jsonl").read_text().splitlines()]
    assert [point["epoch"] for point in curve] == [1, 2]
    areas = [point["scores"]["roc_auc"] for point in curve]
    assert report["validation"]["scores"]["roc_auc"] == max(areas)
    assert report["epoch"] == 1 + int(np.argmax(areas))
    best = torch.load(folder / "model.pt", weights_only=True)
    assert {value.dtype for value in best.values() if value.is_floating_point()} == {torch.float16}
    assert all(line["losses"]["loss"] > 0 for line in read_history(folder))


def test_the_loss_is_logged(bundle_root, tmp_path, caplog):
    with caplog.at_level("INFO"):
        train(bundle_root / METHODS[0], tmp_path, max_epochs=1)
    for name in METHODS[1:]:  # the others log as the first does
        text = (bundle_root / name / "configs/train.yaml").read_text()
        assert text.count("output_transform: $step_loss") == 2 and "from_engine" not in text
    assert re.search(r"Iter: 2/2 -- loss: \d", caplog.text)


def test_a_training_that_was_cut_gives_the_weights_of_one_that_was_not(method, trained, tmp_path):
    for epochs in (1, 2):  # the second command finds the checkpoint of the first
        train(method, tmp_path, max_epochs=epochs)
    whole, cut = (torch.load(folder / "last.pt", weights_only=True) for folder in (trained(method), tmp_path))
    assert all(torch.equal(whole[name], cut[name]) for name in whole)
    assert (trained(method) / "validation.jsonl").read_text() == (tmp_path / "validation.jsonl").read_text()


def test_labels_are_as_large_as_photographs_and_hold_known_codes(method, trained, tmp_path):
    run = made(method, "infer", ["inference.yaml"], output_dir=str(tmp_path), weights=str(trained(method) / "model.pt"))
    assert run.check_properties() == []
    run.run()
    (path,) = tmp_path.glob("*.png")
    codes = np.asarray(Image.open(path))
    assert codes.shape == (96, 96) and codes.dtype == np.uint8
    assert set(np.unique(codes)) <= ({0, 1, 2} if "av" in method.name else {0, 255})


def test_the_end_of_the_postprocessing_is_what_monai_label_writes(method, trained):
    """Bytes (W, H) without a channel, at the photograph's own size; a saver would be dropped."""
    run = made(method, "infer", ["inference.yaml"], weights=str(trained(method) / "model.pt"))
    parser = run.parser
    channels = {"fundus_vessel_ssanet": 1, "fundus_vessel_rvgan": 1, "fundus_av_hvgn": 4}[method.name]
    item = {"pred": torch.randn(channels, 30, 40), "image": torch.zeros(3, 30, 40), "size": torch.tensor([60, 80])}
    found = parser.get_parsed_content("postprocessing")(item)["pred"]
    assert tuple(found.shape) == (80, 60) and found.dtype == torch.uint8


def test_scores_come_under_several_named_protocols(method, trained, tmp_path):
    run = made(
        method, "infer", ["inference.yaml", "evaluate.yaml"],
        output_dir=str(tmp_path), weights=str(trained(method) / "model.pt"), annotator="second",
    )  # fmt: skip
    run.run()
    report = json.loads((tmp_path / "scores.json").read_text())
    expected = {"authors", "authors_oracle", "authors_per_image", "all_vessels"}
    expected = expected if "av" in method.name else {"inside_field", "all_pixels", "per_image", "authors_oracle"}
    assert set(report) == expected
    chosen = json.loads((trained(method) / "model.json").read_text())["validation"]["scores"]["best_threshold"]
    first = report["authors" if "av" in method.name else "inside_field"]
    assert first["protocol"]["threshold"] == chosen and first["protocol"]["threshold_from"] == "validation"
    assert "ORACLE" in report["authors_oracle"]["rules"] and "second" in first["rules"]


def test_the_network_fits_its_metadata(method, tmp_path):
    shrunk = ConfigParser(ConfigParser.load_config_file(str(method / "configs/inference.yaml")))
    shrunk.update(NETWORK[method.name])
    config = tmp_path / "inference.json"
    ConfigParser.export_config_file(shrunk.get(), str(config))
    verify_net_in_out(
        net_id="network_def", meta_file=str(method / "configs/metadata.json"), config_file=str(config), p=2, n=4,
        bundle_root=str(method),
    )  # fmt: skip


def test_weights_of_another_width_are_refused(method, trained, tmp_path):
    other = {
        "fundus_vessel_ssanet": {"network_def#width": 1 / 8},
        "fundus_vessel_rvgan": {"network_def#base_channels": 8},
        "fundus_av_hvgn": {"features_def#width": 1 / 8},
    }[method.name]
    with pytest.raises(RuntimeError) as error:
        made(method, "infer", ["inference.yaml"], weights=str(trained(method) / "model.pt"), **other).run()
    assert "weights of another network" in str(error.value.__cause__)


def test_the_graphs_take_features_that_were_trained_before(bundle_root, tmp_path):
    pytest.importorskip("torch_geometric")
    method = bundle_root / "fundus_av_hvgn"
    train(method, tmp_path / "features", ["train.yaml", "preset_features.yaml"], max_epochs=1)
    features = tmp_path / "features" / "model.pt"
    train(method, tmp_path / "graphs", max_epochs=1, pretrained_features=str(features))
    before, after = (torch.load(path, weights_only=True) for path in (features, tmp_path / "graphs" / "last.pt"))
    assert all(torch.equal(value, after[f"features.{name}"]) for name, value in before.items())
    assert any(name.startswith("artery_graph.") for name in after)
    (tmp_path / "graphs" / "model.pt").write_bytes((tmp_path / "graphs" / "last.pt").read_bytes())
    parser = ConfigParser()  # the folder is a bundle that infers
    parser.read_config(str(tmp_path / "graphs" / "configs" / "inference.yaml"))
    parser.update({"bundle_root": str(tmp_path / "graphs")})
    again = parser.get_parsed_content("network").state_dict()
    assert all(torch.equal(value.float(), again[name]) for name, value in after.items() if value.is_floating_point())


def test_lists_with_weights_are_trained_on_together(bundle_root, tmp_path, made, finished_set):
    """A generated data set and the same under another name, weighted, as the command line hands them over."""
    method = bundle_root / "fundus_vessel_ssanet"
    other = finished_set / "other.json"
    other.write_text((finished_set / "datalist.json").read_text())
    lists = {str(finished_set / "datalist.json"): 1, str(other): 2}
    train(method, tmp_path, max_epochs=1, datalist=lists, num_phantoms=0, field_px=64)
    settings = json.loads((tmp_path / "run.json").read_text())["sessions"][0]["settings"]
    assert settings["datalist"] == {"datalist.json": 1.0, "other.json": 2.0}
    other.unlink()


@pytest.mark.slow
def test_two_processes_train_and_validate_one_model(method, tmp_path):
    """On gloo: three validation images on two ranks are scored together, and the first rank alone writes."""
    options = {"num_validation": 3, "iterations_per_epoch": 1, "max_epochs": 1, "val_interval": 1, "batch_size": 1}
    small = {**SMALL, **NETWORK[method.name], **TRAINING[method.name], **options, "output_dir": str(tmp_path)}
    configs = [str(method / "configs" / name) for name in ("train.yaml", "multi_gpu.yaml")]
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2",
        "-m", "monai.bundle", "run", "--config_file", str(configs),
        "--meta_file", str(method / "configs/metadata.json"), "--bundle_root", str(method),
        *(f"--{name}={value}" for name, value in small.items()),
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=550, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    state = torch.load(tmp_path / "model.pt", weights_only=True)
    assert not [name for name in state if name.startswith("module.")]
    assert len((tmp_path / "validation.jsonl").read_text().splitlines()) == 1
