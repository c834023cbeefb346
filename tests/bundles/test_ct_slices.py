"""The bundle of CT slices: trained, stopped, sampled and measured on made scans, by the mask bundle's classes."""

import json

import nibabel as nib
import numpy as np
import pytest
import torch
import yaml
from monai.bundle import verify_net_in_out
from PIL import Image

from monai_fundusgen.data.ct_datalist import build_ct_datalist
from monai_fundusgen.data.datalist import write_datalist
from monai_fundusgen.handlers.run_record import read_history
from monai_fundusgen.launch.bundle_run import user_message
from monai_fundusgen.weights.stages import load_stage
from tests.bundles.workflows import run_to_the_end, workflow
from tests.reference import ct_scans

NETWORK = {
    "network_def#channels": [8, 8], "network_def#attention_levels": [False, True], "network_def#num_res_blocks": 1,
    "network_def#norm_num_groups": 4, "network_def#num_head_channels": 8,
}  # fmt: skip
SHORT = {
    "image_size": 16, "spacing_mm": 6.0, "batch_size": 2, "iterations_per_epoch": 2, "max_epochs": 2,
    "preview_epochs": 9, "val_interval": 1, "curve_epochs": 1, "curve_samples": 4, "num_evaluations": 2,
    "warmup_iterations": 0,
}  # fmt: skip


@pytest.fixture(scope="session")
def ct_bundle(bundle_root):
    return bundle_root / "ct_slice_ddpm"


@pytest.fixture(scope="module")
def datalist(tmp_path_factory):
    root = tmp_path_factory.mktemp("ct")
    for name in ("anna", "bert", "carl"):
        ct_scans.nifti(root / "scans" / f"{name}.nii.gz", ct_scans.body_hu(name))
    write_datalist(root / "ct.json", build_ct_datalist(root / "scans", root / "ct.json"))
    return root / "ct.json"


def train(ct_bundle, output_dir, datalist, *presets, **overrides):
    options = {**SHORT, **NETWORK, "output_dir": str(output_dir), "datalist": datalist and str(datalist), **overrides}
    return run_to_the_end(ct_bundle, "train", ["train.yaml", *presets], **options)


@pytest.fixture(scope="module")
def trained(ct_bundle, datalist, tmp_path_factory):
    folder = tmp_path_factory.mktemp("training")
    assert train(ct_bundle, folder, datalist).check_properties() == []
    return folder


def lines(folder):
    return [json.loads(line) for line in (folder / "curve.jsonl").read_text().splitlines()]


def test_training_leaves_weights_history_and_the_curve(trained):
    assert {"model.pt", "last.pt", "checkpoint.pt", "losses.jsonl", "run.json"} <= {
        path.name for path in trained.iterdir()
    }
    assert len(read_history(trained)) == 2 and "denoising_loss" in read_history(trained)[0]["validation"]
    found = lines(trained)
    assert [line["epoch"] for line in found] == [1, 2] and all(line["n"] == 4 for line in found)
    assert {"fid", "kid", "fid_floor", "kid_floor", "histogram_hu", "spectrum_db", "nearest_correlation"} <= set(
        found[0]
    )
    assert np.asarray(Image.open(trained / "curve.png")).ndim == 3


def test_a_training_that_was_cut_gives_the_weights_and_the_curve_of_one_that_was_not(
    ct_bundle, datalist, trained, tmp_path
):
    for epochs in (1, 2):
        train(ct_bundle, tmp_path, datalist, max_epochs=epochs)
    whole, cut = (torch.load(folder / "last.pt", weights_only=True) for folder in (trained, tmp_path))
    assert all(torch.equal(whole[name], cut[name]) for name in whole)
    assert lines(tmp_path) == lines(trained)


def test_the_weights_may_be_the_best_of_the_curve(ct_bundle, datalist, tmp_path):
    train(ct_bundle, tmp_path, datalist, best_by="fid", val_interval=9)
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["curve_best"]
    assert state["best"] == -min(line["fid"] for line in lines(tmp_path)) and (tmp_path / "model.pt").is_file()


def infer(folder, output_dir, *more, **overrides):
    run = workflow(folder, "infer", ["inference.yaml", *more], output_dir=str(output_dir), **overrides)
    assert run.check_properties() == []
    run.run()


def test_its_folder_samples_slices_in_hu_whatever_the_batch(trained, tmp_path):
    assert load_stage(trained).inferer.sampler.shape == (1, 16, 16)
    pytest.importorskip("pydicom")
    for name, size in (("one", 1), ("three", 3)):
        infer(trained, tmp_path / name, num_samples=3, batch_size=size, dicom=True)
    found = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert found == ["datalist.json", *(f"slice{k:06d}.{end}" for k in range(3) for end in ("dcm", "nii.gz", "png"))]
    image = nib.load(tmp_path / "one" / "slice000001.nii.gz")
    assert image.shape == (16, 16, 1) and image.header.get_zooms() == (6, 6, 3)
    for k in range(3):  # batch sizes differ in the last bits of convolutions
        one, three = (
            np.asarray(nib.load(tmp_path / name / f"slice{k:06d}.nii.gz").dataobj) for name in ("one", "three")
        )
        assert one.min() >= -1000 and one.max() <= 2000 and np.abs(one - three).max() < 60


def test_evaluation_stands_beside_the_floor_and_held_out_persons(ct_bundle, datalist, trained, tmp_path):
    options = {**NETWORK, "image_size": 16, "num_evaluations": 2, "weights": str(trained / "model.pt")}
    infer(ct_bundle, tmp_path, "evaluate.yaml", num_samples=4, datalist=str(datalist), **options)
    report = json.loads((tmp_path / "slices.json").read_text())
    assert len(report["to_training_slices"]) == len(report["nearest_correlation"]) == 3
    assert {"sheet.png", "nearest_pairs.png", "datalist.json"} <= {path.name for path in tmp_path.iterdir()}


def test_tissue_may_be_asked_for(ct_bundle, datalist, tmp_path):
    run = train(ct_bundle, tmp_path / "train", datalist, "preset_tissue.yaml", max_epochs=1)
    assert run.parser.get_parsed_content("network_def").conditioning_dim == 3
    config = yaml.safe_load((tmp_path / "train/configs/inference.yaml").read_text())
    assert "TissueRequest" in config["request"]["_target_"]
    infer(tmp_path / "train", tmp_path / "out", num_samples=2, **{"request#lung": [0.2, 0.4]})
    assert len(list((tmp_path / "out").glob("*.nii.gz"))) == 2


def test_neighbouring_slices_are_channels(ct_bundle, datalist, tmp_path):
    train(ct_bundle, tmp_path / "train", datalist, max_epochs=1, neighbours=1)
    infer(tmp_path / "train", tmp_path / "out", num_samples=1)
    assert nib.load(tmp_path / "out" / "slice000000.nii.gz").shape == (16, 16, 3)


@pytest.mark.parametrize("preset", ["preset_128.yaml", "preset_256.yaml"])
def test_presets_are_as_wide_as_the_default(ct_bundle, preset):
    base, other = (yaml.safe_load((ct_bundle / "configs" / name).read_text()) for name in ("train.yaml", preset))
    assert other["image_size"] * other["spacing_mm"] == base["image_size"] * base["spacing_mm"]
    assert set(other) <= set(base)
    network = workflow(ct_bundle, "train", ["train.yaml", preset], initialize=[]).parser.get_parsed_content(
        "network_def"
    )
    assert (
        str(round(sum(one.numel() for one in network.parameters()) / 1e6, 1))
        in (ct_bundle / "configs" / preset).read_text()
    )


@pytest.mark.parametrize(("options", "says"), [
    ({"datalist": None}, ["datalist: none given", "fundusgen datalist ct"]),
    ({"window": "brain"}, ["--window", "'brain'", "soft_tissue"]),
    ({"spacing_mm": 0}, ["--spacing_mm", "above 0"]),
    ({"best_by": "psnr"}, ["--best_by", "'psnr'", "kid"]),
    ({"num_validation": 3}, ["3 of 3 persons", "--validation"]),
    ({"num_phantoms": 4}, ["--num_phantoms", "no option"]),
])  # fmt: skip
def test_wrong_options_are_refused_and_nothing_is_written(ct_bundle, datalist, tmp_path, options, says):
    with pytest.raises(RuntimeError) as caught:
        train(ct_bundle, tmp_path / "new", options.pop("datalist", datalist), **options)
    message = user_message(caught.value)
    assert [part for part in says if part not in message] == [] and not (tmp_path / "new").exists()


def test_the_network_fits_its_metadata(ct_bundle):
    verify_net_in_out(
        net_id="network_def", meta_file=str(ct_bundle / "configs/metadata.json"),
        config_file=str(ct_bundle / "configs/inference.yaml"), p=2, n=8,
        extra_forward_args={"timesteps": torch.tensor([3])}, bundle_root=str(ct_bundle),
    )  # fmt: skip


def test_no_class_of_the_mask_bundle_has_a_second_copy(ct_bundle):
    """Step, network, samplers, schedule and validation are those that make vessel maps."""

    def targets(name):
        text = (ct_bundle.parent / name / "configs/train.yaml").read_text()
        return {word.strip(" ,}") for line in text.splitlines() for word in line.split("_target_:")[1:2]}

    shared = {one.split(",")[0] for one in targets(ct_bundle.name)} & {
        one.split(",")[0] for one in targets("fundus_av_mask_ddpm")
    }
    assert {one.rsplit(".", 1)[-1] for one in shared} >= {
        "ADMUNet", "cosine", "DenoisingStep", "DenoisingValidation", "DiffusionSampler", "RequestedSampler", "EMA",
        "BestWeights", "SampleGrid", "WholeCheckpointSaver", "RunRecord", "Draws",
    }  # fmt: skip
