"""The loss of a mask model on maps that it saw and on others."""

import numpy as np
import pytest
import torch

from monai_fundusgen.data.items import phantom_items
from monai_fundusgen.diffusion.schedule import NoiseSchedule
from monai_fundusgen.evaluation.membership import denoising_losses, membership
from monai_fundusgen.evaluation.populations import DatalistEyes
from monai_fundusgen.inferers.diffusion import DiffusionSampler
from monai_fundusgen.weights.bundles import bundle
from monai_fundusgen.weights.stages import Stage


class Memory(torch.nn.Module):
    """Predicts the one map that it knows, whatever it sees."""

    def __init__(self, known):
        super().__init__()
        self.known = torch.nn.Parameter(known)

    def forward(self, x, timesteps):
        return self.known.expand_as(x)


def test_a_model_that_knows_a_map_by_heart_has_no_loss_on_it():
    maps = (torch.rand(3, 2, 16, 16, generator=torch.Generator().manual_seed(0)) > 0.7).float()
    sampler = DiffusionSampler(NoiseSchedule.cosine(), prediction="x_0", shape=(2, 16, 16))
    losses = denoising_losses(Stage(Memory(2 * maps[1] - 1), sampler, {}), maps)
    assert losses[1] == 0 and (losses[[0, 2]] > 1).all()
    with pytest.raises(ValueError, match="expected a sampler of maps"):
        denoising_losses(Stage(Memory(maps[1]), object(), {}), maps)


@pytest.mark.slow
def test_the_shipped_model_is_asked_and_its_losses_are_kept(tmp_path):
    eyes = [DatalistEyes(name, name, phantom_items(2, seed)) for name, seed in (("seen", 10), ("unseen", 20))]
    place = bundle("fundus_av_mask_ddpm")
    found = membership(place, *eyes, tmp_path, lambda places, _, __: places, device="cpu", seed=0)
    assert 0 <= found["area"]["value"] <= 1 and (found["training"], found["held_out"]) == (2, 2)
    assert len(list(tmp_path.glob("losses-*.npz"))) == 2
    losses = [np.load(path)["losses"] for path in tmp_path.glob("losses-*.npz")]
    assert (np.concatenate(losses) > 0).all()
