"""A teacher's estimates are those of guidance where it acts, and the clean maps elsewhere."""

import pytest
import torch

from monai_fundusgen.diffusion.noise import SeededNoise
from monai_fundusgen.diffusion.schedule import NoiseSchedule
from monai_fundusgen.inferers.diffusion import NetworkDenoiser
from monai_fundusgen.inferers.guided_teacher import GuidedTeacher

SCHEDULE = NoiseSchedule.cosine(200, log_snr_shift=-1.4)
SHAPE = (2, 8, 8)
CONTEXT = torch.tensor([[0.2, 0.5], [0.9, -0.4], [-0.3, torch.nan], [0.1, 0.7]])
LEVELS = torch.tensor([150, 20, 199, 60])


class Logits(torch.nn.Module):
    """Log-odds that depend on the pixel, on the level and on what the condition tells."""

    def forward(self, x, timesteps, context):
        told = torch.nan_to_num(context, nan=0.0).sum(1) + timesteps / 200
        return 0.3 * x + told.reshape(-1, 1, 1, 1)


def noisy():
    return SeededNoise(range(4)).normal(*SHAPE), SeededNoise(range(10, 14)).normal(*SHAPE).sign()


def test_the_estimates_are_those_of_guidance_at_its_levels_and_clean_maps_elsewhere():
    (x_t, x_0), options = noisy(), {"guidance_scale": 2.5, "guided_entries": [1], "guidance_levels": (0.45, 1.0)}
    wanted = GuidedTeacher(Logits(), SCHEDULE, **options)(x_t, x_0, LEVELS, CONTEXT)
    for place, level in enumerate(LEVELS):
        one = slice(place, place + 1)
        guided = NetworkDenoiser(Logits(), SCHEDULE, "logit", CONTEXT[one], **options)(x_t[one], SCHEDULE.at(level))
        expected = guided if level / 199 >= 0.45 else x_0[one]
        torch.testing.assert_close(wanted[one], expected)


def test_what_is_not_told_is_not_guided():
    x_t, x_0 = noisy()
    found = [GuidedTeacher(Logits(), SCHEDULE, guidance_scale=scale, guided_entries=[1])(x_t, x_0, LEVELS, CONTEXT)
             for scale in (1.0, 3.0)]  # fmt: skip
    same = [torch.equal(one, other) for one, other in zip(*found, strict=True)]
    assert same == [False, False, True, False]


def test_wrong_numbers_are_refused_and_so_are_levels_on_both_sides():
    for wrong in ({"guidance_levels": (0.7, 0.2)}, {"guidance_scale": -1.0}, {"prediction": "noise"}):
        with pytest.raises(ValueError):  # each has a sentence of its own
            GuidedTeacher(Logits(), SCHEDULE, **wrong)
    x_t, _ = noisy()
    denoise = NetworkDenoiser(Logits(), SCHEDULE, "logit", CONTEXT, 2.0, guidance_levels=(0.45, 1.0))
    with pytest.raises(ValueError, match="some samples lie inside, some outside"):
        denoise(x_t, SCHEDULE.at(LEVELS))


def test_no_level_of_a_batch_asks_the_network_where_it_does_not_act():
    x_t, x_0 = noisy()
    teacher = GuidedTeacher(lambda *_, **__: 1 / 0, SCHEDULE, guidance_scale=2.0, guidance_levels=(0.999, 1.0))
    assert teacher(x_t, x_0, torch.tensor([1, 2, 3, 4]), CONTEXT) is x_0
