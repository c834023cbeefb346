import json

import pytest
import torch
from ignite.engine import Engine

from monai_fundusgen.handlers.fidelity_report import FidelityReport
from monai_fundusgen.metrics.features import RandomFeatures
from monai_fundusgen.metrics.functional.distribution import frechet_distance


def photographs(count, seed, level=0.0):
    return (torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(seed)) + level - 0.5).clamp(-1, 1)


def report_of(tmp_path, batches, **options):
    engine = Engine(lambda _, batch: batch)
    FidelityReport(tmp_path, options.pop("extractor", RandomFeatures()), **options).attach(engine)
    engine.run(batches)
    return json.loads((tmp_path / "fidelity.json").read_text())


def mean_colour(x):
    return x.mean(dim=(2, 3))


def test_the_distance_is_that_of_the_formula_whatever_the_batches(tmp_path):
    fake, true = photographs(6, 0, 0.3), photographs(6, 1)
    whole = report_of(tmp_path, [{"pred": fake, "label": true}], extractor=mean_colour)
    expected = frechet_distance(mean_colour(fake).numpy(), mean_colour(true).numpy())
    assert whole["distances"]["generated"]["fid"] == pytest.approx(expected, rel=1e-4)
    decollated = [[{"pred": f, "label": t}] for f, t in zip(fake, true, strict=True)]
    parts = report_of(tmp_path, decollated, extractor=mean_colour)["distances"]["generated"]
    assert parts["fid"] == pytest.approx(expected, rel=1e-4) and parts["size"] == 6


def test_real_photographs_lie_nearer_than_generated_ones_of_another_colour(tmp_path, caplog):
    others = [{"image": one} for one in photographs(9, 2)]
    with caplog.at_level("INFO"):
        report = report_of(
            tmp_path, [{"pred": photographs(6, 0, 0.4), "label": photographs(6, 1)}],
            references={"other real": others, "none": []},
        )  # fmt: skip
    found = report["distances"]
    assert list(found) == ["generated", "other real"]
    assert found["other real"]["fid"] < 0.2 * found["generated"]["fid"]
    assert found["other real"]["kid"] < 0.2 * found["generated"]["kid"]
    assert found["other real"]["size"] == 6 and found["other real"]["fid_std"] > 0 == found["generated"]["fid_std"]
    assert "| other real | 6 |" in caplog.text


def test_one_photograph_has_no_distance(tmp_path, caplog):
    engine = Engine(lambda _, batch: batch)
    FidelityReport(tmp_path, RandomFeatures()).attach(engine)
    engine.run([{"pred": photographs(1, 0), "label": photographs(1, 1)}])
    assert "at least 2 photographs" in caplog.text and not list(tmp_path.iterdir())
