"""What a training tells and leaves: logged loss, key metric and best weights, its folder as a bundle, refusals."""

import io
import json
import logging
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from monai.bundle import ConfigParser
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from monai_fundusgen.handlers.run_record import read_history
from monai_fundusgen.launch.bundle_run import user_message
from monai_fundusgen.sampling.plan import GenerationPlan
from monai_fundusgen.sampling.sources import open_map_source
from monai_fundusgen.storage.folder_lock import FolderLock
from monai_fundusgen.transforms.traits import TraitRequest
from monai_fundusgen.weights.stages import load_stage
from tests.bundles.workflows import workflow

TINY = json.loads(Path(__file__).with_name("tiny.json").read_text())
SHORT = {"num_phantoms": 1, "num_validation": 1, "batch_size": 1, "iterations_per_epoch": 2, "preview_epochs": 9}
KEY_METRIC = {
    "fundus_av_mask_ddpm": "denoising_loss", "fundus_photograph_pix2pixhd": "ssim",
    "fundus_superresolution_edsr": "psnr",
}  # fmt: skip
PRESET = {
    "network_def#channels": [8, 8], "network_def#attention_levels": [False, True], "network_def#num_res_blocks": 1,
    "network_def#norm_num_groups": 4, "network_def#num_head_channels": 8, "image_size": 64, "source_size": 64,
}  # fmt: skip


def opened(bundle, output_dir, *presets, **overrides):
    options = {**SHORT, **overrides, "output_dir": str(output_dir)}
    return workflow(bundle, "train", ["train.yaml", *presets], **options)


def refusal(bundle, output_dir, **overrides):
    with pytest.raises(RuntimeError) as caught:
        opened(bundle, output_dir, **{**TINY[bundle.name], **overrides}).run()
    return user_message(caught.value)


def scalars(folder):
    """Name -> (step, value) of every scalar in the TensorBoard events of a folder."""
    found = {}
    for path in Path(folder).glob("events.out.tfevents.*"):
        events = EventAccumulator(str(path)).Reload()
        for tag in events.Tags()["scalars"]:
            found.setdefault(tag, []).extend((event.step, event.value) for event in events.Scalars(tag))
    return found


@pytest.fixture(scope="module", params=sorted(KEY_METRIC))
def trained(request, bundle_root, tmp_path_factory):
    """Bundle, folder and log of a training of three epochs, validated after the second and the last."""
    folder = tmp_path_factory.mktemp("training")
    bundle = bundle_root / request.param
    run = opened(bundle, folder, **TINY[bundle.name], max_epochs=3, val_interval=2, tensorboard=True)
    loggers, told = [logging.getLogger(), logging.getLogger("monai.handlers.StatsHandler")], io.StringIO()
    catcher = logging.StreamHandler(told)
    catcher.filters = list(loggers[0].handlers[0].filters)  # as what the user reads
    for logger in loggers:  # MONAI's own may keep their lines from the root
        logger.addHandler(catcher)
    run.run()
    for logger in loggers:
        logger.removeHandler(catcher)
    return bundle, folder, list(dict.fromkeys(told.getvalue().splitlines()))


def test_the_loss_is_in_the_log_and_in_tensorboard(trained):
    _, folder, lines = trained
    history = [epoch["losses"]["loss"] for epoch in read_history(folder)]
    logged = [float(one) for line in lines for one in re.findall(r"Iter: 2/2 -- loss: ([-\d.]+)", line)]
    drawn = [value for _, value in sorted(scalars(folder)["loss"])]
    assert len(logged) == 3 and len(drawn) == 6
    for epoch, mean in enumerate(history):
        assert np.mean(drawn[2 * epoch : 2 * epoch + 2]) == pytest.approx(mean, rel=1e-4)
        assert logged[epoch] == pytest.approx(drawn[2 * epoch + 1], abs=1e-4)


def test_the_best_weights_are_kept_by_the_key_metric(trained):
    bundle, folder, lines = trained
    name = KEY_METRIC[bundle.name]
    measured = [epoch.get("validation") for epoch in read_history(folder)]
    assert measured[0] is None and measured[1].keys() == measured[2].keys() == {name}
    assert any(f"{name} " in line and "best weights so far" in line for line in lines)
    assert not any("resuming from iteration 0" in line for line in lines)
    best, last = (torch.load(folder / file, weights_only=True) for file in ("model.pt", "last.pt"))
    better = min if "loss" in name else max
    last_is_best = measured[2][name] == better(measured[1][name], measured[2][name])
    assert all(torch.equal(best[key], last[key]) for key in best) == last_is_best or measured[1] == measured[2]


def test_the_folder_of_a_training_is_a_bundle(trained):
    """Its network and settings, not those of the bundle that was trained."""
    bundle, folder, _ = trained
    stage = load_stage(folder)
    best = torch.load(folder / "model.pt", weights_only=True)
    assert stage.network.state_dict().keys() == best.keys()
    metadata = json.loads((folder / "configs/metadata.json").read_text())
    assert metadata["trained_from"] == bundle.name
    assert [one["name"] for one in metadata["training_data"]["sets"]] == ["phantom eyes"]
    assert "HRF" not in json.dumps(metadata)
    ConfigParser.load_config_file(str(folder / "configs/inference.yaml"))


@pytest.mark.parametrize("preset", ["preset_paper.yaml", "preset_fast.yaml"])
def test_weights_of_a_preset_serve_data_sets(bundle_root, tmp_path, preset):
    run = opened(
        bundle_root / "fundus_av_mask_ddpm", tmp_path, preset, **PRESET, max_epochs=1, num_evaluations=3
    )  # fmt: skip
    run.run()
    config = yaml.safe_load((tmp_path / "configs/inference.yaml").read_text())
    assert (config["prediction"], config["logit_shift"]) == ({"preset_paper.yaml": "eps"}.get(preset, "v"), 0.0)
    request = TraitRequest()
    source = open_map_source("ddpm", size=256, mask_bundle=tmp_path, request=request, batch=1)
    assert source.sampler.sampler.solver == {"preset_paper.yaml": "ddpm"}.get(preset, "unipc")
    assert (source.request is None) == (preset == "preset_paper.yaml")
    sample = source([*GenerationPlan(num_samples=1, seed=0).samples()])[0]
    assert sample.label.shape == (2, 256, 256)
    if preset == "preset_paper.yaml":
        with pytest.raises(ValueError, match=r"density 0.09.*without a condition"):
            open_map_source("ddpm", mask_bundle=tmp_path, request=TraitRequest(density=0.09))


def test_a_trained_network_learns_its_own_guidance(bundle_root, tmp_path):
    """The preset takes the teacher's weights, leaves them as they are, and moves the student's."""
    bundle, first, second = bundle_root / "fundus_av_mask_ddpm", tmp_path / "first", tmp_path / "second"
    options = TINY[bundle.name] | {"max_epochs": 1}
    opened(bundle, first, **options).run()
    taught = opened(bundle, second, "preset_guided.yaml", **options, pretrained=str(first / "last.pt"))
    taught.run()
    given = taught.parser.get_parsed_content("teacher")
    assert all(taught.parser.get_parsed_content(f"{part}#step").teacher is given for part in ("train", "validate"))
    start, end = (torch.load(folder / "last.pt", weights_only=True) for folder in (first, second))
    teacher = taught.parser.get_parsed_content("teacher").network.state_dict()
    assert all(torch.equal(teacher[name], start[name].float()) for name in start)
    assert any(not torch.equal(start[name], end[name]) for name in start)
    with pytest.raises(RuntimeError) as caught:
        opened(bundle, tmp_path / "third", "preset_guided.yaml", **options, pretrained=str(tmp_path / "none.pt")).run()
    assert "none.pt" in user_message(caught.value)


def test_the_curve_of_a_mask_training_tells_its_anatomy_and_chooses_its_weights(bundle_root, tmp_path):
    bundle, options = bundle_root / "fundus_av_mask_ddpm", {"num_phantoms": 4, "curve_epochs": 1, "curve_samples": 2}
    for epochs in (1, 2):  # the second command goes on with the curve of the first
        opened(bundle, tmp_path, **{**TINY[bundle.name], **options}, best_by="kid", max_epochs=epochs).run()
    found = [json.loads(line) for line in (tmp_path / "curve.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in found] == [1, 2] and all(line["n"] == 2 for line in found)
    assert found[0]["artery_density_floor"] == found[1]["artery_density_floor"] > 0 and "vein_loops" in found[1]
    kept = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["curve_best"]["best"]
    assert kept == -min(line["kid"] for line in found) and (tmp_path / "model.pt").is_file()


def test_an_early_stop_ends_a_run_that_gets_no_better(bundle_root, tmp_path):
    bundle = bundle_root / "fundus_superresolution_edsr"
    run = opened(
        bundle, tmp_path, **TINY[bundle.name], max_epochs=30, val_interval=1, early_stop=2, learning_rate=1e-12
    )  # fmt: skip
    run.run()
    assert len(read_history(tmp_path)) == 3  # the first is the best, two more are no better


def test_a_second_training_in_a_folder_is_refused(bundle_root, tmp_path):
    bundle = bundle_root / "fundus_superresolution_edsr"
    with FolderLock(tmp_path, "train"):
        message = refusal(bundle, tmp_path)
    assert str(tmp_path) in message and "another run writes there (process" in message


def test_a_strangers_folder_is_refused_and_left_alone(bundle_root, tmp_path):
    (tmp_path / "model.pt").write_bytes(b"mine")
    message = refusal(bundle_root / "fundus_superresolution_edsr", tmp_path)
    assert str(tmp_path) in message and "holds something that is no training" in message
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt"] and (
        tmp_path / "model.pt"
    ).read_bytes() == b"mine"


def test_a_cut_checkpoint_is_named_with_the_one_before(bundle_root, tmp_path):
    bundle = bundle_root / "fundus_superresolution_edsr"
    opened(bundle, tmp_path, **TINY[bundle.name], max_epochs=2).run()
    checkpoint, previous = tmp_path / "checkpoint.pt", tmp_path / "checkpoint_previous.pt"
    whole = checkpoint.read_bytes()
    checkpoint.write_bytes(whole[: len(whole) // 2])
    message = refusal(bundle, tmp_path, max_epochs=3)
    assert str(checkpoint) in message and "not a readable checkpoint" in message and str(previous) in message
    previous.replace(checkpoint)
    (tmp_path / ".train.lock").unlink(missing_ok=True)
    opened(bundle, tmp_path, **TINY[bundle.name], max_epochs=3).run()
    assert [epoch["epoch"] for epoch in read_history(tmp_path)] == [1, 2, 3]


def test_another_trainings_checkpoint_is_refused(bundle_root, tmp_path):
    bundle = bundle_root / "fundus_superresolution_edsr"
    opened(bundle, tmp_path, **TINY[bundle.name], max_epochs=1).run()
    run = opened(bundle, tmp_path, **{**TINY[bundle.name], "network_def#channels": 16}, max_epochs=2)
    with pytest.raises(RuntimeError) as caught:
        run.run()
    assert "a checkpoint of another training" in user_message(caught.value)


def test_photographs_without_labels_train_the_enlarger_and_no_other(bundle_root, tmp_path):
    rng = np.random.default_rng(0)
    yy, xx = np.mgrid[:128, :128] - 63.5
    inside = (np.hypot(yy, xx) < 60)[..., None]
    for name in "abc":
        picture = (rng.integers(90, 160, (128, 128, 3)) * inside).astype(np.uint8)
        Image.fromarray(picture).save(tmp_path / f"{name}.png")
    datalist = tmp_path / "list.json"
    datalist.write_text(json.dumps({"training": [{"image": f"{name}.png"} for name in "abc"]}))
    bundle = bundle_root / "fundus_superresolution_edsr"
    opened(bundle, tmp_path / "runs", **TINY[bundle.name], datalist=str(datalist), num_phantoms=0, max_epochs=1).run()
    assert (tmp_path / "runs/model.pt").is_file()
    for name in ("fundus_av_mask_ddpm", "fundus_photograph_pix2pixhd"):
        message = refusal(bundle_root / name, tmp_path / name, datalist=str(datalist))
        assert "has no label" in message and "artery/vein labels are needed here" in message
        assert not (tmp_path / name).exists()


def test_the_bundles_share_how_they_train(bundle_root):
    """What is no stage's own is the same in every train.yaml: draws, loader, what resumes and validates."""
    shared = ("train#draws", "train#sampler", "train#dataloader", "train#resuming", "folder", "initialize", "run",
              "validate#dataset", "validate#dataloader", "validate#early_stopping", "validate#handlers", "dataset_dir",
              "checkpoint", "early_stop", "seed", "device", "autocast", "tensorboard")  # fmt: skip
    parsers = []
    for name in KEY_METRIC:
        parser = ConfigParser()
        parser.read_config(str(bundle_root / name / "configs/train.yaml"))
        parsers.append(parser)
    for key in shared:
        assert parsers[0][key] == parsers[1][key] == parsers[2][key], key
    for place in ("train#handlers",):
        common = [[str(one) for one in parser[place]] for parser in parsers]
        assert len(set(common[0]) & set(common[1]) & set(common[2])) >= 7
