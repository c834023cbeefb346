import torch
from ignite.engine import Engine, Events
from torch import nn

from monai_fundusgen.diffusion.schedule import NoiseSchedule
from monai_fundusgen.engines.denoising_validation import DenoisingValidation
from monai_fundusgen.losses.denoising import DenoisingLoss

SCHEDULE = NoiseSchedule.cosine()


class Constant(nn.Module):
    """A network with one number."""

    def __init__(self, value):
        super().__init__()
        self.value, self.seen = nn.Parameter(torch.tensor(value)), []

    def forward(self, x, t, context=None):
        self.seen.append((x.clone(), t.clone(), context))
        return torch.full_like(x, self.value.item())


def losses(network, **options):
    step = DenoisingValidation(SCHEDULE, DenoisingLoss("x_0"), **options)
    engine = Engine(lambda engine, batch: step(engine, batch))
    engine.network, found = network, []
    engine.add_event_handler(Events.ITERATION_COMPLETED, lambda one: found.append(one.state.output["loss"].item()))
    engine.state.device = torch.device("cpu")
    batches = [{"label": torch.full((1, 2, 4, 4), value), "context": torch.ones(1, 3)} for value in (0.5, -0.5)]
    engine.run(batches)
    return found


def test_the_loss_is_the_distance_to_the_clean_maps():
    assert losses(Constant(0.5)) == [0.0, 1.0]


def test_two_validations_see_the_same_noise_at_levels_over_the_whole_schedule():
    first, second = Constant(0.0), Constant(0.3)
    losses(first, condition="context"), losses(second, condition="context")
    for one, other in zip(first.seen, second.seen, strict=True):
        assert torch.equal(one[0], other[0]) and torch.equal(one[1], other[1]) and one[2].shape == (8, 3)
    assert not torch.equal(first.seen[0][0] - 0.5, first.seen[1][0] + 0.5)
    levels = first.seen[0][1]
    assert levels.min() < len(SCHEDULE) / 8 and levels.max() > len(SCHEDULE) * 7 / 8
    losses(other_seed := Constant(0.0), seed=1)
    assert not torch.equal(other_seed.seen[0][0], first.seen[0][0])
