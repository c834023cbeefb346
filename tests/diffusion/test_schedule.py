"""Schedules: tables agree with MONAI's and diffusers', levels are where they should be, no dtype spoils them."""

import pytest
import torch
from monai.networks.schedulers import DDPMScheduler

from monai_fundusgen.diffusion.forward import diffuse, signal_and_noise
from monai_fundusgen.diffusion.schedule import NoiseSchedule

SCHEDULES = {
    "linear": NoiseSchedule.linear(),
    "cosine": NoiseSchedule.cosine(),
    "compact": NoiseSchedule.cosine(log_snr_shift=-1.4),
    "sigmoid": NoiseSchedule.sigmoid(),
}


@pytest.fixture(params=SCHEDULES)
def schedule(request):
    return SCHEDULES[request.param]


@pytest.mark.parametrize(("ours", "theirs"), [("linear", "linear_beta"), ("cosine", "cosine")])
def test_tables_agree_with_monai(ours, theirs):
    # MONAI computes in float32: its cosine loses digits in the last steps, where little is left to lose
    torch.testing.assert_close(
        SCHEDULES[ours].abar, DDPMScheduler(schedule=theirs).alphas_cumprod.double(), atol=2e-6, rtol=1e-4
    )


def test_shift_moves_the_log_snr_of_every_level():
    moved = SCHEDULES["compact"].log_snr - SCHEDULES["cosine"].log_snr
    torch.testing.assert_close(moved, torch.full_like(moved, -1.4))


def test_one_bfloat16_batch_does_not_spoil_the_table(schedule):
    before = schedule.abar.clone()
    noisy = diffuse(torch.zeros(4, 2, 3, 3, dtype=torch.bfloat16), torch.ones(4, 2, 3, 3).bfloat16(), schedule.abar[:4])
    assert noisy.dtype == torch.bfloat16
    assert schedule.abar.dtype == torch.float64 and torch.equal(schedule.abar, before)

    theirs = DDPMScheduler()  # the contrast: MONAI's table is bfloat16 from here on
    theirs.add_noise(torch.zeros(1, 1).bfloat16(), torch.ones(1, 1).bfloat16(), torch.tensor([0]))
    assert theirs.alphas_cumprod.dtype == torch.bfloat16


def test_the_table_is_a_copy():
    table = torch.tensor([0.9, 0.5], dtype=torch.float64)
    schedule = NoiseSchedule(table)
    table.fill_(0)
    assert schedule.abar.tolist() == [0.9, 0.5]


def test_signal_and_noise_power_add_up_to_one(schedule):
    signal, noise = signal_and_noise(schedule.abar, torch.zeros(len(schedule), 2, dtype=torch.float64))
    torch.testing.assert_close(signal**2 + noise**2, torch.ones_like(signal))


def test_time_inverts_power_between_levels_too(schedule):
    t = torch.linspace(0, len(schedule) - 1, 777, dtype=torch.float64)
    torch.testing.assert_close(schedule.time_of(schedule.at(t)), t, atol=1e-6, rtol=0)


def test_integer_levels_are_the_table_itself(schedule):
    assert torch.equal(schedule.at(torch.arange(len(schedule))), schedule.abar)


def test_powers_beyond_the_table_give_its_ends(schedule):
    assert schedule.time_of(torch.tensor([1.0, 0.0])).tolist() == [0, len(schedule) - 1]


@pytest.mark.parametrize("spacing", ["uniform_t", "log_snr", "karras"])
@pytest.mark.parametrize("count", [1, 2, 7, 50])
def test_levels_rise_from_the_noisiest_to_a_clean_sample(schedule, spacing, count):
    levels = schedule.levels(count, spacing)
    assert len(levels) == count + 1 and levels[-1] == 1
    assert (levels[1:] > levels[:-1]).all()
    assert levels[0].item() == pytest.approx(schedule.abar[-1].item(), rel=1e-9)


def test_stretching_moves_the_noisy_end_alone():
    stretched = SCHEDULES["linear"].noisier_end(-20.0)
    assert stretched.log_snr[-1].item() == pytest.approx(-20)
    assert stretched.abar[0].item() == pytest.approx(SCHEDULES["linear"].abar[0].item())
    torch.testing.assert_close(stretched.abar[:500], SCHEDULES["linear"].abar[:500], atol=0, rtol=0.05)


def test_every_integer_level_is_visited_by_the_full_chain(schedule):
    assert torch.equal(schedule.levels(1000, "uniform_t")[:-1], schedule.abar.flip(0))


def test_log_snr_levels_are_evenly_spread(schedule):
    steps = torch.logit(schedule.levels(9, "log_snr")[1:-1]).diff()
    torch.testing.assert_close(steps, steps[:1].expand(7))


def test_karras_levels_are_evenly_spread_in_the_seventh_root_of_sigma(schedule):
    abar = schedule.levels(9, "karras")[1:-1]
    steps = (((1 - abar) / abar).sqrt() ** (1 / 7)).diff()
    torch.testing.assert_close(steps, steps[:1].expand(7))


@pytest.mark.parametrize(
    ("count", "spacing", "hint"), [(1001, "uniform_t", "log_snr"), (0, "log_snr", "1 to"), (5, "cubic", "karras")]
)
def test_impossible_levels_name_the_way_out(count, spacing, hint):
    with pytest.raises(ValueError, match=hint):
        SCHEDULES["linear"].levels(count, spacing)


@pytest.mark.parametrize("table", [[0.5, 0.5], [0.5, 0.6], [1.0, 0.5], [0.5, 0.0], [0.5], [[0.5, 0.4]]])
def test_a_table_that_is_no_schedule_is_refused(table):
    with pytest.raises(ValueError, match="strictly falling"):
        NoiseSchedule(torch.tensor(table))


def test_one_level_per_sample_or_a_clear_error():
    with pytest.raises(ValueError, match="3 levels for a batch of 2"):
        diffuse(torch.zeros(2, 1), torch.zeros(2, 1), torch.full((3,), 0.5))


def test_monai_configs_reach_the_constructors():
    from monai.bundle import ConfigParser

    parser = ConfigParser({"schedule": {
        "_target_": "monai_fundusgen.diffusion.schedule.NoiseSchedule.cosine", "num_steps": 8, "log_snr_shift": -1.4
    }})  # fmt: skip
    assert len(parser.get_parsed_content("schedule")) == 8
