from __future__ import annotations

import pytest
import torch
from ignite.engine import Events
from monai.engines import SupervisedTrainer
from monai.utils.enums import AdversarialKeys

from monai_fundusgen.engines.gan_step import FEATURE_MATCHING_LOSS
from monai_fundusgen.engines.rvgan_step import HINGE_LOSS, RVGANStep
from monai_fundusgen.networks.nets.rvgan import RVGAN, PairedDiscriminators


def batch():
    rng = torch.Generator().manual_seed(0)
    vessel = (torch.rand(2, 1, 32, 32, generator=rng) < 0.2).float()
    image = torch.rand(2, 4, 32, 32, generator=rng) * 0.2 - 0.5 * vessel
    return {"image": image, "vessel": vessel}


def run(steps, data=None, **settings):
    torch.manual_seed(0)
    network, discriminators = RVGAN(base_channels=4, num_coarse_blocks=1), PairedDiscriminators(base_channels=4)
    optimizer = torch.optim.Adam(discriminators.parameters(), lr=4e-3, betas=(0.5, 0.999))
    taken = []
    optimizer.register_step_post_hook(lambda *_: taken.append(1))
    trainer = SupervisedTrainer(
        device=torch.device("cpu"), max_epochs=steps, train_data_loader=[data or batch()], network=network,
        optimizer=torch.optim.Adam(network.parameters(), lr=4e-3, betas=(0.5, 0.999)), loss_function=None,
        iteration_update=RVGANStep(discriminators, optimizer, **settings),
    )  # fmt: skip
    history = []
    trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda engine: history.append(dict(engine.state.output)))
    trainer.run()
    return history, network, discriminators, len(taken)


def test_the_truth_teaches_both_generators():
    history, network, _, _ = run(20)
    name = AdversarialKeys.RECONSTRUCTION_LOSS
    assert history[-1][name] < 0.9 * history[0][name]
    with torch.no_grad():
        fine = network(batch()["image"])
    vessel = batch()["vessel"] > 0
    assert fine[vessel].mean() > fine[~vessel].mean() + 0.05


def test_discriminators_step_twice_and_their_own_gradients_are_gone():
    history, network, discriminators, taken = run(3)
    assert taken == 6
    assert all(parameter.grad is None for parameter in discriminators.parameters())
    assert all(parameter.requires_grad for parameter in discriminators.parameters())
    assert network.fine.head[0].weight.grad is not None
    assert run(1, discriminator_steps=1)[3] == 1
    assert all(torch.isfinite(value) for value in history[-1].values())


def test_the_total_is_weighted_as_published():
    losses = run(1)[0][0]
    parts = [(AdversarialKeys.GENERATOR_LOSS, 1), (FEATURE_MATCHING_LOSS, 1), (HINGE_LOSS, 10)]
    parts.append((AdversarialKeys.RECONSTRUCTION_LOSS, 10))
    total = sum(weight * float(losses[str(name)]) for name, weight in parts)
    assert float(losses["loss"]) == pytest.approx(total, rel=1e-5)


def test_a_patch_without_vessels_trains():
    empty = batch()
    empty["vessel"] = empty["vessel"] * 0
    assert torch.isfinite(run(1, empty)[0][0]["loss"])
