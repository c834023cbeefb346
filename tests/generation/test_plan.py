import pytest

from monai_fundusgen.generation.plan import GenerationPlan, sample_seed


def test_the_first_samples_of_a_longer_run_are_those_of_a_shorter_one():
    assert GenerationPlan(50, seed=3).samples()[:7] == GenerationPlan(7, seed=3).samples()


def test_runs_and_samples_share_no_seed():
    seeds = [sample["seed"] for run in range(20) for sample in GenerationPlan(100, seed=run).samples()]
    assert len(set(seeds)) == len(seeds)


def test_seeds_survive_readers_that_hold_numbers_as_doubles():
    assert all(int(float(seed)) == seed for seed in (sample_seed(1, index) for index in range(1000)))


def test_finished_samples_are_left_out_and_the_rest_keeps_its_seeds():
    plan = GenerationPlan(5)
    rest = plan.samples(done={"eye000001", "eye000003"})
    assert [sample["index"] for sample in rest] == [0, 2, 4]
    assert all(sample in plan.samples() for sample in rest)


def test_an_empty_plan_is_refused():
    with pytest.raises(ValueError, match="num_samples: found 0, expected at least 1"):
        GenerationPlan(0)
