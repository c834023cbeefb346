"""What every bundle holds, and that its configuration keeps MONAI's promises."""

import hashlib
import json
import re
from pathlib import Path

import jsonschema
import pytest
import torch
import yaml
from monai.bundle import ConfigParser, verify_net_in_out

from tests.bundles.workflows import workflow

SCHEMA = Path(__file__).with_name("metadata_schema.json")
TINY = json.loads(Path(__file__).with_name("tiny.json").read_text())
MAX_WEIGHTS_BYTES = 32 * 2**20
HEADINGS = [
    "Model Description", "Data", "Preprocessing", "Performance", "Additional Usage Steps", "System Configuration",
    "Limitations", "Citation Info", "References",
]  # fmt: skip


def metadata(bundle):
    return json.loads((bundle / "configs/metadata.json").read_text())


def test_metadata_fits_the_schema_and_its_version_is_in_the_changelog(any_bundle):
    content = metadata(any_bundle)
    jsonschema.validate(content, json.loads(SCHEMA.read_text()), cls=jsonschema.Draft202012Validator)
    assert content["version"] in content["changelog"]


def test_the_zoos_files_are_there(any_bundle, bundle_root):
    assert (any_bundle / "LICENSE").read_text() == (bundle_root.parent / "LICENSE").read_text()
    readme = (any_bundle / "docs/README.md").read_text()
    assert [heading for heading in HEADINGS if not re.search(rf"^##+ {heading}$", readme, re.MULTILINE)] == []
    data = "TotalSegmentator" if any_bundle.name.startswith("ct_") else "HRF"
    assert data in (any_bundle / "docs/data_license.txt").read_text()


def test_shared_files_hold_the_same_bytes(any_bundle, bundle_root):
    alone = any_bundle.name in ("fundus_dataset_generation", "fundus_evaluation", "fundus_groundtruth_fa")
    shared = ("logging.conf",) if alone else ("logging.conf", "multi_gpu.yaml")
    for name in shared:
        first = bundle_root / "fundus_av_mask_ddpm/configs" / name
        assert (any_bundle / "configs" / name).read_bytes() == first.read_bytes()


def test_weights_are_half_precision_and_small(trained_bundle):
    weights = trained_bundle / "models/model.pt"
    assert weights.stat().st_size <= MAX_WEIGHTS_BYTES
    state = torch.load(weights, weights_only=True)
    assert {value.dtype for value in state.values() if value.is_floating_point()} == {torch.float16}


def test_configs_open_with_their_command(any_bundle):
    for config in (any_bundle / "configs").glob("*.yaml"):
        head = config.read_text().split("\nimports:")[0]
        assert head.startswith("# ") and "-m monai.bundle run" in head, config


def test_inference_has_every_property_that_monai_asks_for(bundle, tmp_path):
    found = workflow(bundle, "infer", ["inference.yaml"], output_dir=str(tmp_path))
    assert found.check_properties() == []


def test_training_has_every_property_that_monai_asks_for(trained_bundle, tmp_path):
    options = {"num_phantoms": 1, "num_validation": 1, **TINY[trained_bundle.name], "output_dir": str(tmp_path)}
    assert workflow(trained_bundle, "train", ["train.yaml"], **options).check_properties() == []


def test_the_network_fits_its_metadata(bundle):
    arguments = {"timesteps": torch.tensor([3])} if "ddpm" in bundle.name else {}
    verify_net_in_out(
        net_id="network_def",
        meta_file=str(bundle / "configs/metadata.json"),
        config_file=str(bundle / "configs/inference.yaml"),
        p=2,
        n=8,
        extra_forward_args=arguments,
        bundle_root=str(bundle),
    )


def test_presets_override_only_what_training_knows(trained_bundle):
    allowed = {"imports", "+imports"}
    known = yaml.safe_load((trained_bundle / "configs/train.yaml").read_text())
    for preset in (trained_bundle / "configs").glob("preset_*.yaml"):
        assert set(yaml.safe_load(preset.read_text())) <= set(known) | allowed, preset


@pytest.mark.parametrize("name", ["train.yaml", "inference.yaml"])
def test_no_path_of_one_machine_is_in_a_config(trained_bundle, name):
    text = (trained_bundle / "configs" / name).read_text()
    assert not re.search(r"/(home|root|Users|mnt|tmp|usr|opt|var)/|[A-Z]:\\\\", text)
    ConfigParser.load_config_file(str(trained_bundle / "configs" / name))


def test_the_training_data_that_are_told_belong_to_the_weights_that_are_there(trained_bundle):
    told = metadata(trained_bundle)["training_data"]
    assert told["weights_sha256"] == hashlib.sha256((trained_bundle / "models/model.pt").read_bytes()).hexdigest()
    terms = (trained_bundle / "docs/data_license.txt").read_text()
    assert all(one["name"].split()[0].lower() in terms.lower() for one in told["sets"])
