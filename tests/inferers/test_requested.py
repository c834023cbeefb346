import torch

from monai_fundusgen.diffusion.schedule import NoiseSchedule
from monai_fundusgen.inferers.diffusion import VesselMapSampler
from monai_fundusgen.inferers.requested import RequestedMapSampler
from monai_fundusgen.transforms.traits import TRAITS, TraitRequest


def density_network(x, timesteps, context=None):
    """Estimates a constant map, brighter the more density is asked for; grey where nothing is."""
    asked = torch.zeros(len(x)) if context is None else context[:, list(TRAITS).index("density")].nan_to_num(0)
    return asked[:, None, None, None].expand_as(x) * 0.2


def test_each_seed_gets_its_own_request_whatever_the_batch():
    plain = VesselMapSampler(NoiseSchedule.cosine(), kind="x_0", num_evaluations=3, shape=(2, 4, 4))
    request = TraitRequest(density=[0.05, 0.13])
    sampler = RequestedMapSampler(plain, request)
    together = sampler([5, 6], density_network).mean((1, 2, 3))
    alone = sampler([6], density_network).mean((1, 2, 3))
    expected = [0.5 + 0.1 * (request.draw(seed)["density"] - 0.09) / 0.02 for seed in (5, 6)]
    assert torch.allclose(together, torch.tensor(expected), atol=1e-4)
    assert torch.allclose(together[1:], alone)


def test_without_a_request_the_network_is_called_without_a_context():
    plain = VesselMapSampler(NoiseSchedule.cosine(), kind="x_0", num_evaluations=2, shape=(2, 4, 4))
    assert torch.allclose(RequestedMapSampler(plain)([1], density_network), torch.tensor(0.5), atol=1e-4)
