"""The paper's baselines, made of the classes that are there: trained, stopped, sampled, measured, set in one table."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser, create_workflow, verify_net_in_out
from PIL import Image

from monai_fundusgen.evaluation.generators import Asked, compare, flaws, table
from monai_fundusgen.handlers.run_record import read_history
from monai_fundusgen.launch.bundle_run import user_message
from monai_fundusgen.metrics.features import RandomFeatures
from tests.bundles.workflows import run_to_the_end, workflow

DIFFUSION = {
    "network_def#channels": [8, 8], "network_def#attention_levels": [False, True], "network_def#num_res_blocks": 1,
    "network_def#norm_num_groups": 4, "network_def#num_head_channels": 8, "warmup_iterations": 0, "num_evaluations": 2,
}  # fmt: skip
STYLES = {
    "network_def#latent_dim": 8, "network_def#channel_base": 64, "network_def#max_channels": 8,
    "discriminator_def#channel_base": 64, "discriminator_def#max_channels": 8, "val_samples": 4,
}  # fmt: skip
TINY = {"fundus_vessel_mask_ddpm": DIFFUSION, "fundus_photograph_ddpm": DIFFUSION, "fundus_av_mask_stylegan2": STYLES}
METRIC = {name: "kid" if "stylegan2" in name else "denoising_loss" for name in TINY}
SHORT = {
    "image_size": 32, "source_size": 64, "num_phantoms": 2, "num_validation": 1, "batch_size": 2, "max_epochs": 2,
    "iterations_per_epoch": 2, "preview_epochs": 2, "val_interval": 1,
}  # fmt: skip


def train(baseline, output_dir, *presets, **overrides):
    options = {**SHORT, **TINY[baseline.name], "output_dir": str(output_dir), **overrides}
    return run_to_the_end(baseline, "train", ["train.yaml", *presets], **options)


@pytest.fixture(scope="module", params=sorted(TINY))
def baseline(request, bundle_root):
    return bundle_root / request.param


@pytest.fixture(scope="module")
def trained(baseline, tmp_path_factory):
    folder = tmp_path_factory.mktemp(baseline.name)
    assert train(baseline, folder).check_properties() == []
    return folder


@pytest.fixture(scope="module")
def folders(bundle_root, tmp_path_factory):
    """One short training of each."""
    root = tmp_path_factory.mktemp("folders")
    for name in TINY:
        train(bundle_root / name, root / name, max_epochs=1)
    return {name: root / name for name in TINY}


def test_training_leaves_weights_history_and_pictures(baseline, trained):
    assert {"model.pt", "last.pt", "checkpoint.pt"} <= {path.name for path in trained.iterdir()}
    history = read_history(trained)
    assert len(history) == 2 and all(METRIC[baseline.name] in epoch["validation"] for epoch in history)
    assert np.asarray(Image.open(trained / "previews/epoch=00002.png")).ndim == 3
    metadata = json.loads((trained / "configs/metadata.json").read_text())
    assert metadata["trained_from"] == baseline.name


def test_a_training_that_was_cut_gives_the_weights_of_one_that_was_not(baseline, trained, tmp_path):
    for epochs in (1, 2):
        train(baseline, tmp_path, max_epochs=epochs)
    whole, cut = (torch.load(folder / "last.pt", weights_only=True) for folder in (trained, tmp_path))
    assert all(torch.equal(whole[name], cut[name]) for name in whole)
    assert [one["validation"] for one in read_history(tmp_path)] == [one["validation"] for one in read_history(trained)]


def test_its_folder_samples_pictures_of_its_own_size(baseline, trained, tmp_path):
    run = workflow(trained, "infer", ["inference.yaml"], output_dir=str(tmp_path), num_samples=3)
    assert run.check_properties() == []
    run.run()
    pictures = [np.asarray(Image.open(path)) for path in sorted(tmp_path.glob("*.png"))]
    assert [one.shape for one in pictures] == [(32, 32, 3)] * 3
    if "vessel_mask" in baseline.name:
        assert all((one == one[..., :1]).all() for one in pictures)


def test_evaluation_stands_beside_its_floor(baseline, trained, tmp_path):
    run = create_workflow(
        workflow_type="infer",
        config_file=[str(trained / "configs/inference.yaml"), str(baseline / "configs/evaluate.yaml")],
        meta_file=str(baseline / "configs/metadata.json"),
        bundle_root=str(trained), output_dir=str(tmp_path), num_samples=4, num_phantoms=4,
        device="$torch.device('cpu')",
    )  # fmt: skip
    run.run()
    found = json.loads((tmp_path / "distances.json").read_text())["distances"]
    assert set(found) == {"phantom"} and found["phantom"]["n"] == 2 and found["phantom"]["fid"] > 0
    if "photograph" not in baseline.name:
        figures = json.loads((tmp_path / "structure.json").read_text())
        plane = "vessel" if "vessel_mask" in baseline.name else "artery"
        assert figures["references"]["phantom"][f"{plane}.density"]["median"] > 0 and len(figures["maps"]) == 4


def test_the_network_fits_its_metadata(baseline):
    extra = {} if "stylegan2" in baseline.name else {"timesteps": torch.tensor([3])}
    verify_net_in_out(
        net_id="network_def", p=2, n=8, extra_forward_args=extra, bundle_root=str(baseline),
        meta_file=str(baseline / "configs/metadata.json"), config_file=str(baseline / "configs/inference.yaml"),
    )  # fmt: skip


def test_the_preset_overrides_only_what_training_knows_and_tells_its_size(baseline):
    base, preset = (
        ConfigParser.load_config_file(str(baseline / f"configs/{name}.yaml")) for name in ("train", "preset_128")
    )
    assert set(preset) <= set(base)
    parser = workflow(baseline, "train", ["train.yaml", "preset_128.yaml"], initialize=[]).parser
    parts = [one for one in ("network_def", "discriminator_def") if one in base]
    total = sum(weight.numel() for part in parts for weight in parser.get_parsed_content(part).parameters())
    assert f"{total / 1e6:.1f} M parameters" in (baseline / "configs/preset_128.yaml").read_text()


@pytest.mark.parametrize(("name", "options", "says"), [
    ("fundus_av_mask_stylegan2", {"image_size": 48}, "found 48, expected a power of two"),
    ("fundus_av_mask_stylegan2", {"style_mixing": 2}, "--style_mixing: found 2"),
    ("fundus_av_mask_stylegan2", {"val_samples": 2}, "--val_samples: found 2"),
    ("fundus_av_mask_stylegan2", {"num_evaluations": 3}, "--num_evaluations: the bundle has no option"),
    ("fundus_vessel_mask_ddpm", {"target_avr": 0.6}, "--target_avr: the bundle has no option"),
    ("fundus_photograph_ddpm", {"best_by": "ssim"}, "--best_by: found 'ssim'"),
])  # fmt: skip
def test_wrong_options_are_refused_and_nothing_is_written(bundle_root, tmp_path, name, options, says):
    with pytest.raises(RuntimeError) as caught:
        train(bundle_root / name, tmp_path / "new", **options)
    assert says in user_message(caught.value) and not (tmp_path / "new").exists()


def test_each_takes_the_labels_that_it_needs(bundle_root, tmp_path):
    """Photographs alone for the one, vessel maps without kinds for the other; maps with kinds need them."""
    rows, columns = np.mgrid[:96, :96] - 47.5
    inside = np.hypot(rows, columns) < 45
    items = []
    for name in "abcd":
        Image.fromarray((inside[..., None] * [150, 80, 40]).astype(np.uint8)).save(tmp_path / f"{name}.png")
        Image.fromarray((inside & (np.abs(rows - columns) < 3)).astype(np.uint8) * 255).save(tmp_path / f"{name}_v.png")
        items.append({"image": f"{name}.png", "vessel": f"{name}_v.png"})
    bare = [{"image": one["image"]} for one in items]
    for name, content, taken in (
        ("fundus_vessel_mask_ddpm", items, True), ("fundus_vessel_mask_ddpm", bare, False),
        ("fundus_photograph_ddpm", bare, True), ("fundus_av_mask_stylegan2", items, False),
    ):  # fmt: skip
        (tmp_path / "list.json").write_text(json.dumps({"training": content}))
        options = {"datalist": str(tmp_path / "list.json"), "num_phantoms": 0, "max_epochs": 1}
        if taken:
            train(bundle_root / name, tmp_path / name, **options)
            continue
        with pytest.raises(RuntimeError) as caught:
            train(bundle_root / name, tmp_path / "refused", **options)
        assert "has no label" in user_message(caught.value)


def test_no_class_of_the_mask_bundle_has_a_second_copy(bundle_root):
    """Network, step, schedule, sampler and validation of both diffusion baselines are those of the mask bundle."""

    def targets(name):
        text = (bundle_root / name / "configs/train.yaml").read_text()
        return {part.split(",")[0].strip(" }") for line in text.splitlines() for part in line.split("_target_:")[1:]}

    allowed = {
        "monai_fundusgen.transforms.vessel_union.UniteVesselsd",
        "monai_fundusgen.losses.denoising.DenoisingLoss",
    }
    for name in ("fundus_vessel_mask_ddpm", "fundus_photograph_ddpm"):
        assert targets(name) - targets("fundus_av_mask_ddpm") <= allowed


def test_one_table_holds_them_all_with_the_floor_above(folders):
    asked, rows = Asked(count=3, num_phantoms=2), []
    for found, samples in compare(folders, RandomFeatures(), asked):
        rows += found
        assert len(samples) == 3
    names = [(row.name, row.shows) for row in rows]
    assert names == [
        ("held-back eyes", "vessel maps"), ("fundus_vessel_mask_ddpm", "vessel maps"),
        ("held-back eyes", "photographs"), ("fundus_photograph_ddpm", "photographs"),
        ("held-back eyes", "artery/vein maps"), ("fundus_av_mask_stylegan2", "artery/vein maps"),
        ("fundus_av_mask_stylegan2, kinds united", "vessel maps"),
    ]  # fmt: skip
    for row in rows:
        assert (row.seconds is None) == (row.name == "held-back eyes") and row.distances["n"] == 3
        assert row.seconds is None or row.distances["fid"] > 3 * rows[0].distances["fid"]
    text = table(rows)
    assert len(text.splitlines()) == 2 + len(rows) and text.index("kinds united") < text.index("photographs")


def test_samples_of_the_table_are_those_of_the_sampler_and_the_seed(folders):
    one = {"fundus_av_mask_stylegan2": folders["fundus_av_mask_stylegan2"]}
    (first,), (again,), (other,) = (
        [samples for _, samples in compare(one, RandomFeatures(), Asked(count=2, num_phantoms=2, seed=seed))]
        for seed in (0, 0, 1)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_methods_of_different_sizes_are_not_compared(folders, bundle_root, tmp_path):
    train(bundle_root / "fundus_vessel_mask_ddpm", tmp_path, max_epochs=1, image_size=16, source_size=32)
    with pytest.raises(ValueError, match="different sizes: .*16"):
        next(compare({**folders, "other": tmp_path}, RandomFeatures(), Asked(count=2, num_phantoms=2)))


def drawing():
    """An artery with a loop and a loose piece, crossed by a vein that goes through."""
    maps = torch.zeros(1, 2, 64, 64)
    maps[0, 0, 30:33, 8:56] = 1
    maps[0, 0, 20:31, 20:23] = maps[0, 0, 20:23, 20:41] = maps[0, 0, 20:31, 38:41] = 1
    maps[0, 0, 45:48, 20:30] = 1
    maps[0, 1, 10:56, 50:53] = 1
    return maps


def test_flaws_of_a_drawing_are_counted():
    found = flaws(drawing())
    assert (found["loops"], found["fragments"], found["av_crossings"], found["empty_share"]) == (1, 3, 1, 0)
    united = flaws(drawing().amax(dim=1, keepdim=True))
    assert (united["loops"], united["fragments"]) == (1, 2) and "av_crossings" not in united
    without_vein = drawing()
    without_vein[:, 1] = 0
    assert flaws(torch.cat([drawing(), without_vein]))["empty_share"] == 0.5
    assert flaws(torch.zeros(1, 3, 8, 8)) == {}


@pytest.mark.parametrize("options", [{"count": 1}, {"num_phantoms": 0}, {"num_phantoms": -1}])
def test_a_comparison_with_nothing_is_refused(options):
    with pytest.raises(ValueError, match="expected 2 samples or more, and a datalist or phantom eyes"):
        Asked(**options)


def test_a_folder_that_is_no_generator_is_refused(bundle_root):
    with pytest.raises(FileNotFoundError, match="no configs/inference.yaml there"):
        next(compare({"x": bundle_root}, RandomFeatures(), Asked()))
    with pytest.raises(ValueError, match="no generator; give the folder of a training"):
        next(compare({"x": bundle_root / "fundus_dataset_generation"}, RandomFeatures(), Asked()))
