"""The headline path as a user runs it: shipped mask model, gate, shipped cascade, files at 1024 px.

Bounds come from 8 samples of the shipped weights; each fails when its stage is replaced by noise or left out.
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
def made_twice(bundle_root, tmp_path_factory):
    roots = [tmp_path_factory.mktemp(name) / "set" for name in ("first", "second")]
    return roots[0], [headline(bundle_root, root) for root in roots]


@pytest.fixture(scope="module")
def sample(made_twice):
    root, (record, _) = made_twice
    arrays = {name: np.asarray(Image.open(root / name / "eye000000.png")) for name in ("images", "labels", "fov")}
    return record, arrays["images"].transpose(2, 0, 1) / 255, arrays["labels"], arrays["fov"] > 0


@pytest.mark.slow
def test_two_runs_give_the_same_files_and_they_are_whole(made_twice):
    root, (first, second) = made_twice
    assert first == second and set(first["files"]) == {"images", "labels", "av", "fov", "graphs"}
    assert list(verify(root)) == []


@pytest.mark.slow
def test_the_photograph_shows_the_vessels_of_its_label(sample):
    _, photograph, codes, fov = sample
    assert photograph.shape == (3, 1024, 1024) and set(np.unique(codes)) == {0, 1, 2, 3}
    found = picture_agreement(photograph, codes > 0, fov)
    wrong = picture_agreement(photograph, codes[:, ::-1] > 0, fov)
    assert found.filter_dice > 0.5 and found.contrast > 0.1
    assert found.filter_dice > wrong.filter_dice + 0.2  # the mirrored label has as many pixels


@pytest.mark.slow
def test_the_bright_disc_lies_where_the_vessels_meet(sample):
    record, photograph, _, fov = sample
    disc = optic_discs(photograph, fov, record["field_deg"])[0]
    away_px = np.hypot(disc.row * 1024 - record["disc_px"][0], disc.column * 1024 - record["disc_px"][1])
    assert away_px * record["field_mm"] / (0.97 * 1024) < 0.9  # a disc's radius


@pytest.mark.slow
def test_the_record_of_the_eye_is_that_of_the_label(made_twice, sample):
    record, _, codes, fov = sample
    eye = load_eye(made_twice[0] / "graphs" / "eye000000.npz")
    drawn = vessel_map(eye, 1024).any(axis=0)
    assert 2 * (drawn & (codes > 0)).sum() / (drawn.sum() + (codes > 0).sum()) > 0.99
    assert eye.landmarks_rc(1024)[0] == pytest.approx(record["disc_px"], abs=0.01)
    assert record["source"] == eye.source == "ddpm" and "disc" in record["estimated"] and record["rejected"] <= 4
    assert record["right_eye"] == (record["disc_px"][1] > record["fovea_px"][1])
