"""The headline path as a user runs it: shipped mask model, gate, shipped cascade, files at 1024 px.

The first sample of seed 0 has Dice 0.81 of a ridge filter with its label (0.13 with the mirrored one), contrast 0.26,
and its bright disc 0.22 mm from where it was drawn.
"""

import json

import numpy as np
import pytest
from PIL import Image

from monai_fundusgen.dataset.eye_file import load_eye
from monai_fundusgen.dataset.verification import verify
from monai_fundusgen.launch.run import RunRequest, run
from monai_fundusgen.metrics.functional.optic_disc import optic_discs
from monai_fundusgen.metrics.functional.picture_agreement import picture_agreement
from monai_fundusgen.vessels.drawing import vessel_map


def headline(bundle_root, root):
    options = {"mask_source": "ddpm", "quiet": True}
    run(RunRequest(root, 1, options, bundle_root / "fundus_dataset_generation"))
    (record,) = [json.loads(line) for line in (root / "manifest.jsonl").read_text().splitlines()]
    return record


@pytest.fixture(scope="module")
def made(bundle_root, tmp_path_factory):
    root = tmp_path_factory.mktemp("headline") / "set"
    return root, headline(bundle_root, root)


@pytest.fixture(scope="module")
def sample(made):
    root, record = made
    arrays = {name: np.asarray(Image.open(root / name / "eye000000.png")) for name in ("images", "labels", "fov")}
    return record, arrays["images"].transpose(2, 0, 1) / 255, arrays["labels"], arrays["fov"] > 0


@pytest.mark.slow
def test_a_second_run_gives_the_same_bytes(made, bundle_root, tmp_path):
    assert headline(bundle_root, tmp_path / "set") == made[1]  # the record holds the SHA-256 of every file


def test_every_file_is_there_and_as_the_manifest_says(made):
    assert set(made[1]["files"]) == {"images", "labels", "av", "fov", "graphs"}
    assert list(verify(made[0])) == []


def test_the_photograph_shows_the_vessels_of_its_label(sample):
    _, photograph, codes, fov = sample
    assert photograph.shape == (3, 1024, 1024) and set(np.unique(codes)) == {0, 1, 2, 3}
    found = picture_agreement(photograph, codes > 0, fov)
    wrong = picture_agreement(photograph, codes[:, ::-1] > 0, fov)
    assert found.filter_dice > 0.65 and found.contrast > 0.12
    assert found.filter_dice > wrong.filter_dice + 0.4  # the mirrored label has as many pixels


def test_the_bright_disc_lies_where_the_vessels_meet(sample):
    record, photograph, _, fov = sample
    disc = optic_discs(photograph, fov, record["field_deg"])[0]
    away_px = np.hypot(disc.row * 1024 - record["disc_px"][0], disc.column * 1024 - record["disc_px"][1])
    assert away_px * record["field_mm"] / (0.97 * 1024) < 0.9  # a disc's radius


def test_the_record_of_the_eye_is_that_of_the_label(made, sample):
    record, _, codes, fov = sample
    eye = load_eye(made[0] / "graphs" / "eye000000.npz")
    drawn = vessel_map(eye, 1024).any(axis=0)
    assert 2 * (drawn & (codes > 0)).sum() / (drawn.sum() + (codes > 0).sum()) > 0.99
    assert eye.landmarks_rc(1024)[0] == pytest.approx(record["disc_px"], abs=0.01)
    assert record["source"] == eye.source == "ddpm" and record["rejected"] <= 4
    assert "fovea" in record["estimated"] and "disc" not in record["estimated"]  # the finish draws it there
    assert record["right_eye"] == (record["disc_px"][1] > record["fovea_px"][1])
