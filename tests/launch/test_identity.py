"""Every key of the configuration is part of what a run is, or stands here with the reason why it changes no byte."""

import shutil
from pathlib import Path

import pytest
import torch
import yaml
from monai.bundle import ConfigParser, create_workflow

from monai_fundusgen.dataset.identity import identity_of
from monai_fundusgen.dataset.journal import differences
from monai_fundusgen.sampling.sources import SampledMaps

BUNDLE = Path(__file__).parents[2] / "bundles" / "fundus_dataset_generation"
CONFIG = yaml.safe_load((BUNDLE / "configs" / "inference.yaml").read_text())
#: Runs are told apart by what makes samples; these do not.
CHANGES_NO_BYTE = {
    "imports": "names for expressions",
    "bundle_root": "where the bundles lie; what lies there is hashed",
    "output_dir": "where the set lies",
    "num_samples": "has a rule of its own: extend",
    "extend": "permission",
    "overwrite": "permission",
    "batch_size": "samples between two looks at the clock",
    "part": "which process makes a sample",
    "parts": "which process makes a sample",
    "writers": "threads", "workers": "processes", "ahead": "batches begun before their turn",
    "turns": "networks at once",
    "processes": "keeps the run together", "made": "keeps the run together",
    "quiet": "no progress bar",
    "device": "where networks run",
    "dataset_dir": "for MONAI's own checks of a bundle",
    "mask_bundle": "not read by this run",
    "map_batch": "not read by this run; of the mask model it is told apart below",
    "network_def": "for MONAI's own checks of a bundle; samples are made by network",
    "shard_size": "below it there is one folder",
    "lock": "keeps the run together", "writer": "keeps the run together", "plan": "keeps the run together",
    "dataset": "keeps the run together", "dataloader": "keeps the run together", "step": "keeps the run together",
    "write": "keeps the run together", "progress": "keeps the run together", "stop": "keeps the run together",
    "handlers": "keeps the run together", "evaluator": "keeps the run together", "session": "keeps the run together",
    "initialize": "keeps the run together", "run": "keeps the run together", "journal": "keeps the run together",
    "label_maps": "not read by this run",
    "tone_file": "of other weights than this run's; see sampling/test_finish.py",
}  # fmt: skip
OTHER = {
    "seed": 1, "mask_source": "folder", "photograph_source": "phantom", "mask_folder": "labels",
    "fit": "crop", "field_deg": 50.0, "field_cut": 0.9, "target_density": 0.1, "target_avr": 0.7, "laterality": "left",
    "gate": True, "max_attempts": 3, "size": 128, "autocast": None, "precision": "float32", "style": "no.jpg",
    "artefacts": True, "finish": False, "photograph_bundle": "copied", "enlarging_bundle": "copied",
}  # fmt: skip
#: Nested ones, with a value that is not theirs.
NESTED = {
    "maps#size": 128, "maps#anatomy#diameter_deg": 50.0, "maps#anatomy#cut": 0.9, "maps#anatomy#finest_level": 1,
    "maps#anatomy#density": {"_target_": "monai_fundusgen.phantom.anatomy.Normal", "mean": 1.0, "std": 0.1},
    "maps#request#laterality": "left", "map_source#max_attempts": 3, "inferer#autocast": None,
    "map_source#gate": {"_target_": "monai_fundusgen.sampling.gate.AnatomyGate", "avr": [0.3, 0.9]},
    "network#enlarger": {"_target_": "torch.nn.ReflectionPad2d", "padding": 1},
    "network#generator#kernel_size": 3, "painter#source": "phantom",
}  # fmt: skip


def parser_of(root, **options):
    """The configuration with one plain network in place of the trained ones."""
    parser = ConfigParser()
    parser.read_config(str(BUNDLE / "configs" / "inference.yaml"))
    network = {
        "_target_": "monai_fundusgen.networks.nets.cascade.PhotographCascade",
        "generator": {"_target_": "torch.nn.AvgPool2d", "kernel_size": 1},
        "enlarger": {"_target_": "torch.nn.Identity"},
    }
    base = {"output_dir": str(root / "set"), "bundle_root": str(BUNDLE), "photograph_source": "cascade", "size": 64}
    base["precision"] = "bfloat16"
    parser.update({**base, "network": network})
    parser.update(options)
    return parser


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder that holds a run with one sample, and a bundle like another but for a byte of its weights."""
    root = tmp_path_factory.mktemp("identity")
    parser_of(root).get_parsed_content("journal").start().append("eye000000", {})
    shutil.copytree(BUNDLE.parent / "fundus_superresolution_edsr", root / "copied")
    with (root / "copied" / "models" / "model.pt").open("ab") as file:
        file.write(b"\0")
    return root


def opened(root, **options):
    return parser_of(root, **options).get_parsed_content("journal")


def test_the_same_run_goes_on(root):
    assert list(opened(root).done) == [0]


def test_every_key_is_told_apart_or_listed():
    components = {"network", "stages", "inferer", "maps", "map_source", "painter"}
    assert set(CONFIG) == {*CHANGES_NO_BYTE, *OTHER, *components}
    assert components - {"stages"} <= {name.split("#")[0] for name in NESTED}
    assert not set(CHANGES_NO_BYTE) & set(OTHER)


@pytest.mark.parametrize("name", [*OTHER, *NESTED])
def test_another_value_is_refused_with_both(root, name):
    value = {**OTHER, **NESTED}[name]
    value = str(root / value) if value in ("copied", "labels") else value
    with pytest.raises((ValueError, RuntimeError, FileNotFoundError)) as refused:
        opened(root, **{name: value})
    error = refused.value
    while isinstance(error, RuntimeError) and error.__cause__ is not None:
        error = error.__cause__
    told = str(error)
    alone = (
        "mask_source",
        "photograph_source",
        "mask_folder",
        "fit",
        "target_density",
        "target_avr",
        "style",
        "artefacts",
    )
    assert ("there " in told and "now " in told) or name in alone, told


@pytest.mark.parametrize(
    ("name", "value"),
    [("batch_size", 7), ("writers", 1), ("quiet", True), ("parts", 3), ("device", "cpu"), ("mask_bundle", "nowhere"),
     ("shard_size", 99), ("dataset_dir", "x"), ("extend", True), ("map_batch", 2)],
)  # fmt: skip
def test_what_changes_no_byte_is_not_asked_for(root, name, value):
    assert list(opened(root, **{name: value}).done) == [0]


def test_maps_that_are_sampled_together_are_part_of_a_run():
    two, four = (identity_of(maps=SampledMaps(torch.nn.Identity(), len, batch=batch)) for batch in (2, 4))
    assert differences(two, four) == ["maps.batch: there 2, now 4"]


def test_opening_and_checking_the_workflow_writes_nothing(tmp_path):
    workflow = create_workflow(
        workflow_type="infer", config_file=str(BUNDLE / "configs" / "inference.yaml"), bundle_root=str(BUNDLE),
        meta_file=str(BUNDLE / "configs" / "metadata.json"), output_dir=str(tmp_path / "new"), size=64,
    )  # fmt: skip
    workflow.initialize()
    assert not workflow.check_properties()
    assert list(tmp_path.iterdir()) == [] and not (BUNDLE / "synthetic").exists()
