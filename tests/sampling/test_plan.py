import pytest

from monai_fundusgen.sampling.plan import GenerationPlan


def test_the_first_samples_of_a_longer_run_are_those_of_a_shorter_one():
    assert list(GenerationPlan(50, seed=3).samples()[:7]) == list(GenerationPlan(7, seed=3).samples())


def test_other_runs_have_other_seeds():
    runs = [{sample["seed"] for sample in GenerationPlan(200, seed=run).samples()} for run in range(10)]
    assert len(set.union(*runs)) == 2000


def test_finished_samples_are_left_out_and_the_rest_keeps_its_seeds():
    plan = GenerationPlan(5)
    rest = plan.samples(done={1, 3})
    assert [sample["index"] for sample in rest] == [0, 2, 4]
    assert all(sample in plan.samples() for sample in rest)


@pytest.mark.parametrize(
    ("count", "seed", "message"),
    [
        (0, 0, "num_samples: found 0, expected at least 1"), (1.5, 0, "num_samples: found 1.5"),
        ("abc", 0, "num_samples: found 'abc'"), (1, -1, "seed: found -1, expected at least 0"),
        (1, 0.5, "seed: found 0.5"),
    ],
)  # fmt: skip
def test_a_plan_that_cannot_be_is_refused(count, seed, message):
    with pytest.raises(ValueError, match=message):
        GenerationPlan(count, seed)


def test_the_parts_of_an_array_job_are_the_run():
    whole = list(GenerationPlan(11, seed=2).samples())
    parts = [list(GenerationPlan(11, seed=2, part=part, parts=3).samples()) for part in range(3)]
    assert sorted((one for part in parts for one in part), key=lambda one: one["index"]) == whole
    with pytest.raises(ValueError, match="part: found 3 of 3 parts, expected 0 to 2"):
        GenerationPlan(11, part=3, parts=3)


def test_a_million_samples_are_planned_without_making_them():
    planned = GenerationPlan(1_000_000).samples(done=range(999_998))
    assert [one["id"] for one in planned] == ["eye999998", "eye999999"]
    assert GenerationPlan(1_000_000).samples().indices.nbytes == 8_000_000
