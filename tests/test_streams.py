"""What one consumer draws from a seed says nothing of what another draws from it."""

import ast
from dataclasses import asdict
from itertools import combinations
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch

from monai_fundusgen.diffusion.noise import SeededNoise
from monai_fundusgen.networks.nets.styled_generator import StyledGenerator
from monai_fundusgen.phantom.appearance import draw_appearance
from monai_fundusgen.phantom.camera import draw_camera
from monai_fundusgen.phantom.photograph import render_photograph
from monai_fundusgen.phantom.tree import constitution_of, grow_retina
from monai_fundusgen.streams import Consumer, sample_seed, stream, stream_seed
from monai_fundusgen.transforms.traits import TraitRequest
from monai_fundusgen.vessels.drawing import rasterise

SEEDS = range(2000)
CONSUMERS = get_args(Consumer)


def numbers(record):
    """Every number of a nested record, in order."""
    if isinstance(record, dict):
        return [number for value in record.values() for number in numbers(value)]
    if isinstance(record, (tuple, list)):
        return [number for value in record for number in numbers(value)]
    return [] if record is None else [float(record)]


def stages(seed):
    """Drawn factors of each stage, as the stages themselves draw them; no picture is made."""
    bank = StyledGenerator(torch.nn.Identity(), bank_size=64)
    bank.bank.copy_(torch.arange(64.0)[:, None].expand(64, bank.bank.shape[1]))
    request = TraitRequest(density=[0.05, 0.1], avr=[0.5, 0.9], laterality="either")
    return {
        "anatomy": numbers(asdict(constitution_of(seed))),
        "appearance": numbers(asdict(draw_appearance(stream(seed, "appearance")))),
        "camera": numbers(asdict(draw_camera(stream(seed, "camera")))),
        "noise": SeededNoise([seed]).normal(6)[0].tolist(),
        "request": list(request.draw(seed).values()),
        "style": bank.drawn_styles([seed])[0, :1].tolist(),
        **{
            name: stream(seed, name).random(4).tolist()
            for name in ("growth", "crossings", "ground", "grain", "circulation", "motion")
        },
        "attempt": [float(stream_seed(seed, "attempt", number)) for number in (1, 2, 3)],
    }


def largest_correlations(drawn):
    """Largest |r| between a factor of one stage and a factor of another, for every pair of stages."""
    columns = {name: np.array([one[name] for one in drawn]) for name in drawn[0]}
    scaled = {}
    for name, values in columns.items():
        varying = values[:, values.std(axis=0) > 0]
        scaled[name] = (varying - varying.mean(axis=0)) / varying.std(axis=0) / np.sqrt(len(values))
    return {(a, b): float(np.abs(scaled[a].T @ scaled[b]).max()) for a, b in combinations(scaled, 2)}


def test_no_factor_of_one_stage_tells_a_factor_of_another():
    found = largest_correlations([stages(seed) for seed in SEEDS])
    assert max(found.values()) < 0.08, {pair: round(r, 3) for pair, r in found.items() if r >= 0.08}


def test_the_law_catches_two_stages_that_start_from_the_same_number():
    drawn = [
        {"anatomy": numbers(asdict(constitution_of(seed))), "appearance": numbers(asdict(look))}
        for seed in SEEDS
        if (look := draw_appearance(stream(seed, "anatomy")))
    ]
    assert largest_correlations(drawn)["anatomy", "appearance"] > 0.3


def test_eye_and_photograph_draw_from_these_streams():
    retina, marks = grow_retina(6), constitution_of(6).landmarks
    assert abs(retina.landmarks.disc_mm[0]) == marks.disc_mm[0] and retina.landmarks.cup_ratio == marks.cup_ratio
    raster = rasterise(retina, 128)
    given = render_photograph(
        retina, raster, seed=6,
        appearance=draw_appearance(stream(6, "appearance")), camera=draw_camera(stream(6, "camera")),
    )  # fmt: skip
    assert np.array_equal(render_photograph(retina, raster, seed=6), given)


def test_streams_differ_by_seed_consumer_and_counters_and_come_again():
    asked = [
        (seed, name, *rest)
        for seed in (0, 1, 2**32, 2**40)
        for name in CONSUMERS
        for rest in ((), (0,), (0, 0), (1, 0))
    ]
    first = [stream(*one).integers(2**63) for one in asked]
    assert len(set(first)) == len(asked)
    assert first == [stream(*one).integers(2**63) for one in asked]
    assert len({stream_seed(*one) for one in asked}) == len(asked)


def test_no_two_samples_of_a_run_share_a_seed_and_runs_differ():
    seeds = [{sample_seed(run, index) for index in range(20_000)} for run in (0, 1)]
    assert [len(found) for found in seeds] == [20_000, 20_000]
    assert not seeds[0] & seeds[1]
    assert all(0 <= seed < 2**32 for seed in seeds[0])


def test_a_negative_seed_is_refused():
    with pytest.raises(ValueError, match="seed: found -3, expected a whole number of at least 0"):
        stream(-3, "anatomy")


def test_generators_start_in_one_place():
    """Four files keep a generator of their own, with a seed that nothing else draws from, since published figures and
    splits rest on it: the split of a datalist, the photographs held back from a training, the subsets of distances
    between samples, the random network's weights. torch's generators start from a stream, or from a number that a
    stream or MONAI's random state gave."""
    package = Path(__file__).parents[1] / "monai_fundusgen"
    own = {"streams.py", "data/splitting.py", "data/holdout.py", "metrics/functional/distribution.py"}
    makers = {"default_rng", "PCG64", "SeedSequence", "RandomState", "Philox", "MT19937"}
    found = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in makers
    }
    assert found == own
