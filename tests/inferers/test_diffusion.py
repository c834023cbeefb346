"""Seeds to maps: a map depends on its seed alone, and an ideal network gives the data's distribution."""

import re

import pytest
import torch
from monai.bundle import ConfigParser
from monai.engines import SupervisedEvaluator

from monai_fundusgen.diffusion.noise import SeededNoise
from monai_fundusgen.diffusion.samplers import SOLVERS
from monai_fundusgen.diffusion.schedule import NoiseSchedule
from monai_fundusgen.inferers.diffusion import DiffusionSampler, NetworkDenoiser, RequestedSampler
from monai_fundusgen.transforms.traits import TRAITS, TraitRequest

SCHEDULE = NoiseSchedule.cosine(200, log_snr_shift=-1.4)
SHAPE = (2, 4, 4)


class IdealLogits(torch.nn.Module):
    """Log-odds of independent pixels that are vessel with probability p: the exact answer at every level."""

    def __init__(self, p=0.3, learned_variance=False):
        super().__init__()
        self.bias = torch.nn.Parameter(torch.logit(torch.tensor(p)))
        self.learned_variance = learned_variance
        self.contexts = []
        self.batches = []

    def forward(self, x, timesteps, context=None):
        self.contexts.append(context)
        self.batches.append(len(x))
        abar = SCHEDULE.at(timesteps).float().to(x).reshape(-1, *(1,) * (x.ndim - 1))
        logits = 2 * abar.sqrt() * x / (1 - abar) + self.bias
        if context is not None:
            logits = logits + torch.nan_to_num(context, nan=0.0).reshape(-1, 1, 1, 1)
        return torch.cat([logits, torch.zeros_like(logits)], 1) if self.learned_variance else logits


def sampler_with(**options):
    return DiffusionSampler(SCHEDULE, **{"num_evaluations": 21, "shape": SHAPE, **options})


@pytest.mark.parametrize("solver", SOLVERS)
def test_an_ideal_network_gives_the_vessel_fraction_of_the_data(solver):
    count = 101 if solver == "ddpm" else 21
    maps = sampler_with(solver=solver, num_evaluations=count, shape=(2, 40, 40))(range(8), IdealLogits())
    assert (maps > 0.5).float().mean().item() == pytest.approx(0.3, abs=0.02)
    assert maps.min() >= 0 and maps.max() <= 1
    assert ((maps < 0.02) | (maps > 0.98)).float().mean() > 0.97  # binary data


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_map_depends_on_its_seed_alone(solver):
    sampler, network = sampler_with(solver=solver, batch_size=3), IdealLogits()
    whole = sampler([5, 6, 7, 8], network)
    assert torch.equal(sampler([8], network)[0], whole[3])
    assert torch.equal(sampler([7, 5], network), whole[[2, 0]])
    assert torch.equal(sampler(torch.tensor([6]), network)[0], whole[1])
    assert not torch.equal(whole[0], whole[1])


def test_bytes_agree_through_convolutions_where_the_internal_batch_is_fixed():
    torch.manual_seed(0)
    layers = [
        torch.nn.Conv2d(2, 16, 3, padding=1),
        torch.nn.GroupNorm(4, 16),
        torch.nn.SiLU(),
        torch.nn.Conv2d(16, 2, 3),
    ]
    convolutions = torch.nn.Sequential(*layers, torch.nn.ZeroPad2d(1))
    network = lambda x, timesteps: convolutions(x)
    sampler = sampler_with(batch_size=4, shape=(2, 24, 24), num_evaluations=5)
    whole = sampler(range(6), network)
    assert torch.equal(sampler([5, 2], network), whole[[5, 2]])


def test_the_internal_batch_is_padded_to_one_size():
    network = IdealLogits()
    assert len(sampler_with(batch_size=3)(range(7), network)) == 7
    assert set(network.batches) == {3}


def test_noise_itself_may_be_handed_in_where_the_solver_draws_none():
    network, noise = IdealLogits(), SeededNoise([3, 4]).normal(*SHAPE)
    assert torch.equal(sampler_with()(noise, network), sampler_with()([3, 4], network))
    with pytest.raises(ValueError, match="noise=SeededNoise"):
        sampler_with(solver="ddpm")(noise, network)


def test_no_seed_gives_no_map():
    assert sampler_with()([], IdealLogits()).shape == (0, *SHAPE)


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_network_is_called_as_often_as_asked(solver):
    network = IdealLogits()
    sampler_with(solver=solver, num_evaluations=7)([0], network)
    assert len(network.batches) == 7


def test_untilting_takes_the_log_odds_back():
    tilted = IdealLogits(float(torch.sigmoid(torch.logit(torch.tensor(0.3)) + 2 * 0.5)))
    maps = sampler_with(logit_shift=0.5, shape=(2, 40, 40))(range(4), tilted)
    assert (maps > 0.5).float().mean().item() == pytest.approx(0.3, abs=0.025)


def test_guidance_extrapolates_from_not_given_to_given():
    network, context = IdealLogits(), torch.tensor([1.0, 1.0])
    x, abar = SeededNoise([0, 1]).normal(*SHAPE), torch.tensor(0.1, dtype=torch.float64)
    odds = lambda scale, given=context: (
        2 * torch.atanh(NetworkDenoiser(network, SCHEDULE, "logit", given, guidance_scale=scale)(x, abar))
    )
    torch.testing.assert_close(odds(3.0) - odds(1.0), torch.full((2, *SHAPE), 2.0), atol=1e-3, rtol=0)
    torch.testing.assert_close(odds(0.0), odds(1.0, None), atol=1e-4, rtol=0)
    assert network.contexts[0].isnan().tolist() == [True, True, False, False]


class SummedLogits(IdealLogits):
    """Log-odds that rise by each entry of a condition (B, D) that is given."""

    def forward(self, x, timesteps, context=None):
        self.given = [*getattr(self, "given", []), context]
        return super().forward(x, timesteps, torch.nan_to_num(context, nan=0.0).sum(1))


def test_guidance_makes_more_of_the_entries_that_it_is_told():
    x, abar = SeededNoise([0, 1]).normal(*SHAPE), torch.tensor(0.1, dtype=torch.float64)
    context = torch.tensor([[0.2, 0.5, 0.1], [0.2, 0.5, 0.1]])
    network = SummedLogits()
    odds = lambda scale, entries=None: 2 * torch.atanh(NetworkDenoiser(
        network, SCHEDULE, "logit", context, guidance_scale=scale, guided_entries=entries
    )(x, abar))  # fmt: skip
    for entries, more in (((1,), 0.5), ((0, 2), 0.3), (None, 0.8)):
        torch.testing.assert_close(odds(3.0, entries) - odds(1.0), torch.full((2, *SHAPE), 2 * more), atol=1e-3, rtol=0)
    assert network.given[0][0].isnan().tolist() == [False, True, False]


def test_guidance_acts_at_its_levels_alone():
    network, context = IdealLogits(), torch.tensor([1.0, -1.0])
    sampler = sampler_with(num_evaluations=10, guidance_scale=2.0, guidance_levels=(0.5, 1.0))
    sampler(range(2), network, context=context)
    assert network.batches == [4] * 5 + [2] * 5  # levels 199, 179, ..., 119 of 0 to 199, then 99 to 19
    nowhere = sampler_with(guidance_scale=2.0, guidance_levels=(0.0, 0.0))(range(2), network, context=context)
    assert torch.equal(nowhere, sampler_with()(range(2), network, context=context))


def test_contexts_go_with_their_seeds_and_must_be_as_many():
    network, context = IdealLogits(), torch.tensor([-3.0, 0.0, 3.0])
    whole = sampler_with(batch_size=2)([1, 2, 3], network, context=context)
    assert torch.equal(sampler_with(batch_size=2)([3], network, context=context[2:])[0], whole[2])
    with pytest.raises(ValueError, match="3 contexts for 2 images"):
        sampler_with()([1, 2], network, context=context)


def test_a_learned_variance_is_used_by_the_ancestral_sampler_and_ignored_by_the_others():
    plain, learned = IdealLogits(), IdealLogits(learned_variance=True)
    ancestral, flow = sampler_with(solver="ddpm"), sampler_with()
    assert torch.equal(flow([0], plain), flow([0], learned))
    assert not torch.equal(ancestral(range(8), plain), ancestral(range(8), learned))


def test_bfloat16_and_channels_last_change_bits_not_maps():
    torch.manual_seed(0)
    convolution = torch.nn.Conv2d(2, 2, 3, padding=1)
    network = lambda x, timesteps: convolution(x)
    full, low = sampler_with()([0, 1], network), sampler_with(autocast="bfloat16", channels_last=True)([0, 1], network)
    assert full.dtype == low.dtype == torch.float32
    torch.testing.assert_close(low, full, atol=0.05, rtol=0)
    assert not torch.equal(low, full)


def test_a_config_builds_it_and_monais_evaluator_runs_it():
    parser = ConfigParser({"inferer": {
        "_target_": "monai_fundusgen.inferers.diffusion.DiffusionSampler",
        "schedule": {"_target_": "monai_fundusgen.diffusion.schedule.NoiseSchedule.cosine", "num_steps": 200},
        "shape": [2, 4, 4], "num_evaluations": 5,
    }})  # fmt: skip
    evaluator = SupervisedEvaluator(
        device="cpu", val_data_loader=[{"image": torch.tensor([3, 4])}], network=IdealLogits(), decollate=False,
        inferer=parser.get_parsed_content("inferer"),
    )  # fmt: skip
    evaluator.run()
    assert evaluator.state.output["pred"].shape == (2, *SHAPE)


@pytest.mark.parametrize(
    "options",
    [{"prediction": "score"}, {"solver": "euler"}, {"solver": "heun", "num_evaluations": 20}, {"spacing": "cubic"},
     {"guidance_scale": float("nan")}, {"guidance_scale": -1}, {"guidance_scale": "abc"}, {"shape": (2, 0, 0)},
     {"shape": (2, 64.5, 64.5)}, {"autocast": "float16"}, {"batch_size": 0},
     {"spacing": "uniform_t", "num_evaluations": 201}, {"guidance_levels": [0.7, 0.2]},
     {"guidance_levels": 0.5}],
)  # fmt: skip
def test_parts_that_do_not_fit_are_refused_at_once(options):
    with pytest.raises(ValueError, match=re.escape(str(next(reversed(options.values()))))):
        sampler_with(**options)


def density_network(x, timesteps, context=None):
    """Estimates a constant map, brighter the more density is asked for; grey where nothing is."""
    asked = torch.zeros(len(x)) if context is None else context[:, list(TRAITS).index("density")].nan_to_num(0)
    return asked[:, None, None, None].expand_as(x) * 0.2


def test_each_seed_gets_its_own_request_whatever_the_batch():
    plain = DiffusionSampler(NoiseSchedule.cosine(), prediction="x_0", num_evaluations=3, shape=(2, 4, 4))
    request = TraitRequest(density=[0.05, 0.13])
    sampler = RequestedSampler(plain, request)
    together = sampler([5, 6], density_network).mean((1, 2, 3))
    alone = sampler([6], density_network).mean((1, 2, 3))
    expected = [0.5 + 0.1 * (request.draw(seed)["density"] - 0.09) / 0.02 for seed in (5, 6)]
    assert torch.allclose(together, torch.tensor(expected), atol=1e-4)
    assert torch.allclose(together[1:], alone)


def test_without_a_request_the_network_is_called_without_a_context():
    plain = DiffusionSampler(NoiseSchedule.cosine(), prediction="x_0", num_evaluations=2, shape=(2, 4, 4))
    assert torch.allclose(RequestedSampler(plain)([1], density_network), torch.tensor(0.5), atol=1e-4)
