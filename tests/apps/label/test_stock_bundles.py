"""Bundles as MONAI Label's own bundle task serves them, without this package's app."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
import yaml
from monai.bundle import ConfigParser, create_workflow

from tests.apps.label.conftest import pixels_of, write_picture
from tests.bundles.conftest import ROOT
from tests.bundles.test_methods import train

pytestmark = pytest.mark.label
PROBABILITY = {"fundus_vessel_ssanet": torch.sigmoid, "fundus_vessel_rvgan": lambda value: (value + 1) / 2}


def parsed(bundle):
    parser = ConfigParser()
    parser.read_config(str(bundle / "configs" / "inference.yaml"))
    parser.update({"bundle_root": str(bundle)})
    return parser


def split_in_half(bundle, photograph):
    """Set the threshold so that half of the pixels are vessels, for a network of two steps finds none at 0.5."""
    parser = parsed(bundle)
    image = parser.get_parsed_content("preprocessing")({"image": photograph})["image"][None]
    with torch.no_grad():
        found = parser.get_parsed_content("inferer")(image, parser.get_parsed_content("network").eval())
    path = bundle / "configs" / "inference.yaml"
    content = yaml.safe_load(path.read_text()) | {"threshold": PROBABILITY[bundle.parent.name](found).median().item()}
    path.write_text(yaml.safe_dump(content, sort_keys=False))


@pytest.mark.parametrize("name", PROBABILITY)
def test_a_trained_method_gives_the_label_of_its_bundle(name, phantom, tmp_path):
    from monailabel.tasks.infer.bundle import BundleInferTask

    photograph, truth = phantom
    picture = write_picture(tmp_path / "eye.png", photograph)
    trained = tmp_path / name / "train"
    train(ROOT / name, trained, max_epochs=1)
    split_in_half(trained, picture)
    served = tmp_path / f"{name}_segmentation"
    shutil.copytree(trained / "configs", served / "configs")
    (served / "models").mkdir()
    shutil.copy(trained / "model.pt", served / "models")
    task = BundleInferTask(str(served), {})
    assert task.is_valid() and set(task.labels) == {"vessel"}
    found = pixels_of(task({"image": picture, "device": "cpu"})[0])
    assert found.shape == truth.shape and found.dtype == np.uint8 and 0.4 < (found == 1).mean() < 0.6

    datalist = {"labels": {"1": "vessel"}, "testing": [{"image": "eye.png"}]}
    (tmp_path / "eye.json").write_text(json.dumps(datalist))
    create_workflow(
        workflow_type="infer", config_file=str(trained / "configs" / "inference.yaml"),
        meta_file=str(trained / "configs" / "metadata.json"), bundle_root=str(trained),
        datalist=str(tmp_path / "eye.json"), output_dir=str(tmp_path / "own"), device="$torch.device('cpu')",
    ).run()  # fmt: skip
    assert np.array_equal(pixels_of(tmp_path / "own" / "eye.png"), 255 * found)
