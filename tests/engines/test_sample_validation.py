from __future__ import annotations

import torch
from ignite.engine import Events
from monai.engines import SupervisedEvaluator
from torch import nn

from monai_fundusgen.engines.sample_validation import SampleValidation


def drawn(seeds, network):
    return torch.stack([torch.full((2, 4, 4), (seed % 1000) / 1000) for seed in seeds])


def validated(**settings):
    seen = []
    evaluator = SupervisedEvaluator(
        device=torch.device("cpu"), val_data_loader=[{"label": torch.zeros(size, 2, 4, 4)} for size in (3, 2)],
        network=nn.Linear(1, 1), iteration_update=SampleValidation(drawn, **settings), decollate=False,
    )  # fmt: skip
    evaluator.add_event_handler(Events.ITERATION_COMPLETED, lambda engine: seen.append(engine.state.output))
    evaluator.run()
    return seen


def test_every_real_image_has_a_sample_beside_it_of_a_seed_of_its_own():
    seen = validated()
    assert [len(one["pred"]) for one in seen] == [len(one["label"]) for one in seen] == [3, 2]
    levels = torch.cat([one["pred"][:, 0, 0, 0] for one in seen])
    assert len(set(levels.tolist())) == 5 and levels.min() >= -1 and levels.max() <= 1


def test_two_validations_have_the_same_samples_and_another_seed_has_others():
    first, again, other = (
        torch.cat([one["pred"] for one in validated(**options)]) for options in ({}, {}, {"seed": 1})
    )
    assert torch.equal(first, again) and not torch.equal(first, other)
