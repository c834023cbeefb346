"""``fundusgen evaluate``: what the report holds, that it is one page, and that measuring twice is measuring once."""

import json
import re
from dataclasses import replace
from html import escape

import jsonschema
import numpy as np
import pytest
import torch
from PIL import Image

from monai_fundusgen.__main__ import main
from monai_fundusgen.dataset.verification import verify
from monai_fundusgen.evaluation import judged_section, measurements
from monai_fundusgen.evaluation.report import Evaluation, evaluate
from monai_fundusgen.evaluation.report_file import CACHE, PAGE, REPORT

SEEDS = {"training": range(6), "testing": range(20, 24)}
LABELS = {"0": "background", "1": "artery", "2": "vein", "3": "crossing"}


def datalist(path, sections):
    path.write_text(json.dumps({"name": "eyes", "labels": LABELS, **sections}))
    return path


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A data set of four samples of 128 px, a datalist of phantoms in place of real eyes, and its report."""
    root = tmp_path_factory.mktemp("evaluate")
    with pytest.raises(SystemExit, match="0"):
        main(["generate", "-n", "4", "-o", str(root / "set"), "--option", "size=128", "--quiet"])
    real = datalist(root / "real.json", {name: [{"seed": one} for one in seeds] for name, seeds in SEEDS.items()})
    asked = Evaluation(root / "set", real, root / "report", features="random", phantoms=2, judged=0)
    return root, asked, evaluate(asked)


def test_the_report_holds_what_its_reference_says(world):
    root, _, content = world
    assert content == json.loads((root / "report" / REPORT).read_text())
    assert {name: one["eyes"] for name, one in content["samples"].items()} == {
        "real": 4, "other_real": 6, "synthetic": 4, "phantom": 2,
    }  # fmt: skip
    row = {"type": "object", "required": ["n", "matched", "frechet", "kernel", "kernel_error", "precision", "coverage"]}
    schema = {
        "type": "object",
        "required": [
            "schema",
            "schema_version",
            "settings",
            "samples",
            "verdict",
            "features",
            "figures",
            "gate",
            "privacy",
        ],
        "properties": {
            "features": {"properties": {"to_real": {"type": "object", "additionalProperties": row}}},
            "figures": {"additionalProperties": {"required": ["quantiles", "counts", "wasserstein", "kolmogorov"]}},
            "gate": {"type": "null"},
        },
    }
    jsonschema.validate(content, schema)
    for name in ("anatomy.artery.density", "anatomy.av_crossings", "anatomy.vein_rooted", "photograph.noise"):
        assert content["figures"][name]["counts"]["synthetic"] == 4
    maps = content["privacy"]["maps"]
    assert set(maps["map"]["likeness"]) == {"synthetic", "training", "held_out"}
    assert all(one["low"] <= one["high"] and one["records"] >= 2 for one in maps["preference"].values())
    assert "held out" in " ".join(content["verdict"]["copies"])
    groups = content["verdict"]
    assert sorted(groups["gives_away"] + groups["as_real"] + groups["between"]) == sorted(content["figures"])


def test_the_page_needs_nothing_from_elsewhere(world):
    root, _, content = world
    text = (root / "report" / PAGE).read_text(encoding="utf-8")
    assert "<script" not in text and "http" not in text.replace("http-equiv", "")
    assert all(link.startswith(("data:image/", "#")) for link in re.findall(r'(?:src|href)="([^"]*)"', text))
    assert text.count("<svg") == text.count("</svg>") > 40
    assert "prefers-color-scheme: dark" in text and "@media print" in text
    for sentence in content["verdict"]["sentences"]:
        assert escape(sentence) in text


def test_the_card_takes_the_verdict_over_and_the_set_stays_whole(world):
    root, _, content = world
    card = (root / "set" / "README.md").read_text()
    assert "## Beside real eyes" in card and "(../report/index.html)" in card
    assert content["verdict"]["copies"][0] in card
    assert list(verify(root / "set")) == []


def test_what_was_measured_is_read_and_gives_the_same(world, monkeypatch):
    _, asked, content = world
    monkeypatch.setattr(measurements, "photograph_figures", None)  # a second measurement would call it
    assert evaluate(asked) == content


def test_eyes_against_themselves_lie_at_no_distance(world, tmp_path):
    root, asked, _ = world
    items = [{"seed": one} for one in range(4)]
    both = [datalist(tmp_path / f"{name}.json", {"training": items}) for name in ("one", "other")]
    same = evaluate(replace(asked, dataset=both[0], real=both[1], output=tmp_path / "out", phantoms=0, size=128))
    mine = same["features"]["to_real"]["synthetic"]
    assert mine["matched"]["frechet"] == pytest.approx(0, abs=1e-6) and mine["precision"] == 1
    assert all(one["wasserstein"]["synthetic"]["value"] == 0 for one in same["figures"].values())
    assert same["verdict"]["gives_away"] == []
    maps = same["privacy"]["maps"]
    assert maps["map"]["flagged"]["synthetic"] == 4  # every map is a training map
    assert maps["preference"] is None  # nothing is held out
    assert "no floor" in " ".join(same["verdict"]["warnings"])


def test_photographs_without_maps_are_compared_as_far_as_they_go(world, tmp_path):
    root, asked, _ = world
    items = []
    for place in range(3):
        name = f"eye00000{place}.png"
        Image.open(root / "set" / "images" / name).resize((160, 160)).save(tmp_path / name)
        items.append({"image": name})
    bare = datalist(tmp_path / "bare.json", {"testing": items})
    found = evaluate(replace(asked, real=bare, output=tmp_path / "out", phantoms=0, card=False))
    assert found["privacy"]["maps"] is None and found["features"]["to_real"]["synthetic"]["n"] == 4
    assert all(name.startswith("photograph.") for name in found["figures"])
    assert "No maps of both kinds" in (tmp_path / "out" / PAGE).read_text()


class NotANumber(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(dim=(2, 3)) / 0.0 * 0.0


def test_features_that_are_no_numbers_are_told(world, tmp_path):
    _, asked, _ = world
    torch.jit.script(NotANumber()).save(tmp_path / "nan.ts")
    with pytest.raises(ValueError, match=r"phantom 20: TorchScript network.* gives 3 features that are NaN"):
        evaluate(replace(asked, features=str(tmp_path / "nan.ts"), output=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_damaged_part_is_measured_again(world):
    root, asked, content = world
    part = min((root / "report" / CACHE).glob("synthetic-*.npz"))
    part.write_bytes(part.read_bytes()[:100])
    assert evaluate(asked) == content
    assert np.load(part)["figures"].shape[0] == 4


def test_a_network_reads_both_samples_and_reads_them_once(world, tmp_path, monkeypatch):
    """The reader is a threshold here; the judge itself is tested with `fundusgen judge`."""
    read = []

    def reader(photograph, fov):
        read.append(photograph.shape)
        dark = torch.from_numpy((photograph[1] < 0.8 * np.median(photograph[1][fov])) & fov).float()
        return torch.stack([dark, 0 * dark, dark])

    judge = {
        "network": "threshold", "bundle": "none", "weights": "none", "weights_sha256": "0" * 64, "image_size": 1024,
        "mirrors": 1, "vote": False, "threshold": 0.5,
    }  # fmt: skip
    monkeypatch.setattr(judged_section, "open_judge", lambda **_: (reader, judge))
    _, asked, _ = world
    asked = replace(asked, output=tmp_path / "out", judged=2, card=False)
    content = evaluate(asked)
    assert len(read) == 3 * 2 and set(read) == {(3, 1024, 1024)}
    found = content["judged"]["sets"]["synthetic"]
    assert found["pictures"] == 2 and found["read"]["all"]["av_accuracy"] < 0.7  # all are called arteries
    assert "reads the kind of" in content["verdict"]["sentences"][-1]
    text = (tmp_path / "out" / PAGE).read_text(encoding="utf-8")
    assert "Read by a network" in text and "vein, green" in text
    assert evaluate(asked) == content and len(read) == 6
