"""The training step inside MONAI's trainer: same curve after resume, same gradient in parts, stop on NaN."""

import copy
import itertools
from contextlib import contextmanager

import pytest
import torch
from ignite.engine import Events
from monai.data import MetaTensor
from monai.engines import SupervisedTrainer
from monai.engines.utils import IterationEvents
from monai.handlers import CheckpointLoader, CheckpointSaver

from monai_fundusgen.conventions import LABEL
from monai_fundusgen.diffusion.forward import diffuse
from monai_fundusgen.diffusion.parametrisation import predicted
from monai_fundusgen.diffusion.schedule import NoiseSchedule
from monai_fundusgen.engines.denoising_step import DenoisingStep, aims
from monai_fundusgen.inferers.guided_teacher import GuidedTeacher
from monai_fundusgen.losses.denoising import DenoisingLoss, LogitLoss
from monai_fundusgen.losses.exp_reweighted import ExpReweightedLoss

SCHEDULE = NoiseSchedule.cosine(100, log_snr_shift=-1.4)


class Tiny(torch.nn.Module):
    """Two convolutions that know the level, with the call of MONAI's diffusion U-Net."""

    def __init__(self):
        super().__init__()
        self.first = torch.nn.Conv2d(3, 4, 3, padding=1)
        self.last = torch.nn.Conv2d(4, 2, 3, padding=1)
        self.seen = []

    def forward(self, x, timesteps, context=None):
        self.seen.append((x.detach(), timesteps, context))
        level = (timesteps.float() / 100).reshape(-1, 1, 1, 1).expand(-1, 1, *x.shape[2:])
        return self.last(torch.nn.functional.silu(self.first(torch.cat([x, level], 1))))


def batches(count=6, size=4):
    rng = torch.Generator().manual_seed(3)
    return [{LABEL: (torch.rand(size, 2, 8, 8, generator=rng) < 0.3) * 2.0 - 1} for _ in range(count)]


def trainer_of(step, data, handlers=(), epochs=1):
    torch.manual_seed(0)
    network = Tiny()
    return SupervisedTrainer(
        device="cpu", max_epochs=epochs, train_data_loader=data, network=network,
        optimizer=torch.optim.Adam(network.parameters(), 1e-2), loss_function=step.loss, iteration_update=step,
        train_handlers=list(handlers), decollate=False,
    )  # fmt: skip


def curve_of(trainer):
    losses = []
    trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda engine: losses.append(engine.state.output["loss"]))
    trainer.run()
    return [loss.item() for loss in losses]


@pytest.mark.parametrize(
    "loss", [LogitLoss(), DenoisingLoss("v"), DenoisingLoss("eps"), DenoisingLoss("x_0"), ExpReweightedLoss(0.5)]
)
def test_a_few_steps_lower_the_loss(loss):
    losses = curve_of(trainer_of(DenoisingStep(SCHEDULE, loss), batches(1, 16) * 80))
    assert sum(losses[-10:]) < 0.97 * sum(losses[:10])


def test_a_resumed_run_continues_the_same_curve(tmp_path):
    data = batches(6)
    whole = curve_of(trainer_of(DenoisingStep(SCHEDULE, LogitLoss(), seed=4), data, epochs=2))

    step = DenoisingStep(SCHEDULE, LogitLoss(), seed=4)
    first = trainer_of(step, data)
    saved = {"network": first.network, "optimizer": first.optimizer, "trainer": first, "step": step}
    CheckpointSaver(str(tmp_path), saved, save_final=True, final_filename="last.pt").attach(first)
    head = curve_of(first)

    step = DenoisingStep(SCHEDULE, LogitLoss(), seed=99)
    second = trainer_of(step, data, epochs=2)
    loaded = {"network": second.network, "optimizer": second.optimizer, "trainer": second, "step": step}
    CheckpointLoader(str(tmp_path / "last.pt"), loaded).attach(second)
    assert head + curve_of(second) == whole


def test_working_in_parts_gives_the_same_curve():
    whole, parts = (
        curve_of(trainer_of(DenoisingStep(SCHEDULE, LogitLoss(), micro_batches=count), batches(size=5)))
        for count in (1, 3)
    )
    assert parts == pytest.approx(whole, rel=1e-4)


def test_distributed_networks_exchange_gradients_once_per_step():
    trainer = trainer_of(DenoisingStep(SCHEDULE, LogitLoss(), micro_batches=3), batches(1))
    silent = []

    @contextmanager
    def no_sync():
        silent.append(len(trainer.network.seen))
        yield

    trainer.network.no_sync = no_sync
    trainer.run()
    assert silent == [0, 1] and len(trainer.network.seen) == 3


def test_ranks_and_seeds_draw_different_levels_and_the_same_ones_again():
    def seen(**options):
        trainer = trainer_of(DenoisingStep(SCHEDULE, LogitLoss(), **options), batches(1))
        trainer.run()
        return trainer.network.seen[0][0]

    draws = [seen(), seen(seed=1), seen(rank=1)]
    assert torch.equal(draws[0], seen())
    assert not any(torch.equal(a, b) for a, b in itertools.combinations(draws, 2))


def test_the_global_generator_is_neither_read_nor_moved():
    trainer = trainer_of(DenoisingStep(SCHEDULE, LogitLoss()), batches(2))
    before = torch.get_rng_state()
    step = trainer._process_function
    for batch in batches(2):
        step(trainer, batch)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_stops_the_run_and_spares_the_weights(tmp_path, poison):
    data = batches(3)
    data[2][LABEL][0, 0, 0, 0] = poison
    trainer = trainer_of(DenoisingStep(SCHEDULE, DenoisingLoss("v")), data)
    CheckpointSaver(str(tmp_path), {"network": trainer.network}, save_final=True, final_filename="last.pt").attach(
        trainer
    )
    with pytest.raises(FloatingPointError, match=r"iteration 3 .*checkpoint"):
        trainer.run()
    kept = torch.load(tmp_path / "last.pt", weights_only=True)
    assert all(torch.isfinite(value).all() for value in kept.values())


def test_clipping_bounds_the_step_and_reports_the_norm_before():
    step = DenoisingStep(SCHEDULE, DenoisingLoss("v"), max_grad_norm=1e-3)
    trainer = trainer_of(step, batches(1))
    trainer.run()
    norm = torch.cat([p.grad.flatten() for p in trainer.network.parameters()]).norm()
    assert norm.item() == pytest.approx(1e-3, rel=1e-2)
    assert trainer.state.output["grad_norm"] > 1e-2


def test_bfloat16_autocast_stays_near_full_precision_and_the_loss_is_float32():
    low, full = (
        curve_of(trainer_of(DenoisingStep(SCHEDULE, LogitLoss(), autocast=dtype, channels_last=True), batches()))
        for dtype in ("bfloat16", None)
    )
    assert low == pytest.approx(full, rel=0.02)
    assert low != full


def test_the_hosts_events_fire_in_order():
    trainer = trainer_of(DenoisingStep(SCHEDULE, LogitLoss()), batches(1))
    fired = []
    for event in IterationEvents:
        if event.name != "INNER_ITERATION_STARTED" and event.name != "INNER_ITERATION_COMPLETED":
            trainer.add_event_handler(event, lambda engine, name=event.name: fired.append(name))
    trainer.run()
    assert fired == ["FORWARD_COMPLETED", "LOSS_COMPLETED", "BACKWARD_COMPLETED", "MODEL_COMPLETED"]


def test_conditions_reach_the_network_and_are_dropped_at_the_rate_asked():
    data = [dict(batches(1, 400)[0], note=torch.ones(400, 3))]
    step = DenoisingStep(SCHEDULE, LogitLoss(), condition="note", drop_condition=0.25)
    trainer = trainer_of(step, data)
    trainer.run()
    context = trainer.network.seen[0][2]
    dropped = context.isnan()
    assert torch.equal(dropped.any(1), dropped.all(1))
    assert dropped.float().mean().item() == pytest.approx(0.25, abs=0.07)
    assert (context[~dropped] == 1).all()


def test_metatensors_are_taken_as_plain_tensors():
    trainer = trainer_of(DenoisingStep(SCHEDULE, LogitLoss()), [{LABEL: MetaTensor(batches(1)[0][LABEL])}])
    trainer.run()
    assert type(trainer.network.seen[0][0]) is torch.Tensor


def test_a_missing_entry_names_what_is_there():
    trainer = trainer_of(DenoisingStep(SCHEDULE, LogitLoss(), key="mask"), batches(1))
    with pytest.raises(KeyError, match="label.*'mask'"):
        trainer.run()


@pytest.mark.parametrize(
    "options",
    [
        {"autocast": "half"},
        {"micro_batches": 0},
        {"drop_condition": 1.0},
        {"max_grad_norm": 0},
        {"max_grad_norm": float("nan")},
        {"seed": -1},
        {"seed": "abc"},
    ],  # fmt: skip
)
def test_impossible_options_are_refused(options):
    with pytest.raises(ValueError, match="DenoisingStep"):
        DenoisingStep(SCHEDULE, LogitLoss(), **options)


def test_pixels_of_weight_zero_teach_nothing_and_weights_of_one_change_nothing():
    def curve(weight):
        data = [batch | {"weight": torch.full((4, 1, 8, 8), weight)} for batch in batches()]
        step = DenoisingStep(SCHEDULE, LogitLoss(), weight="weight", micro_batches=2)
        trainer = trainer_of(step, data)
        norms = []
        trainer.add_event_handler(
            Events.ITERATION_COMPLETED, lambda engine: norms.append(engine.state.output["grad_norm"].item())
        )
        return curve_of(trainer), norms

    plain = curve_of(trainer_of(DenoisingStep(SCHEDULE, LogitLoss(), micro_batches=2), batches()))
    assert curve(1.0)[0] == plain
    assert curve(0.0)[1] == [0.0] * 6


def test_the_gradient_is_that_of_the_weighted_pixels():
    weight = torch.zeros(4, 1, 8, 8)
    weight[..., :4] = 1
    seen = {}
    for name, loss in (
        ("step", LogitLoss()),
        ("formula", lambda o, x, e, a: LogitLoss()(o * weight, x * weight, e, a)),
    ):
        (data,) = batches(1)
        options = {"weight": "weight"} if name == "step" else {}
        trainer = trainer_of(DenoisingStep(SCHEDULE, loss, **options), [data | {"weight": weight}])
        trainer.run()
        seen[name] = trainer.state.output["grad_norm"].item()
    assert seen["step"] == pytest.approx(seen["formula"], rel=1e-5)


@pytest.mark.parametrize("prediction", ["eps", "v", "x_0", "logit"])
def test_a_teachers_clean_map_costs_the_least_in_every_parametrisation(prediction):
    """Whoever predicts what the teacher takes for clean has no error, or, of logits, no gradient."""
    x_0 = batches(1)[0][LABEL]
    eps, abar, t = torch.randn_like(x_0), torch.tensor([0.1, 0.4, 0.7, 0.9]), torch.tensor([90, 60, 30, 10])
    wanted, x_t = 0.8 * x_0, diffuse(x_0, eps, abar)
    aim = aims(lambda *_: wanted, x_t, x_0, eps, t, None, abar)
    output = predicted(wanted, x_t, abar, prediction).requires_grad_()
    loss = LogitLoss() if prediction == "logit" else DenoisingLoss(prediction)
    (gradient,) = torch.autograd.grad(loss(output, *aim, abar), output)
    assert gradient.abs().max() < 1e-6


@pytest.mark.parametrize(("scale", "still"), [(1.0, True), (2.0, False)])
def test_a_student_that_is_its_teacher_learns_its_guidance_alone(scale, still):
    class Told(Tiny):
        def forward(self, x, timesteps, context=None):
            return super().forward(x, timesteps) + context.nan_to_num(0.0).reshape(-1, 1, 1, 1)

    data = [one | {"context": torch.tensor([[0.5], [-0.5], [1.0], [0.2]])} for one in batches(1)]
    step = DenoisingStep(SCHEDULE, LogitLoss(), condition="context")
    trainer = trainer_of(step, data)
    trainer.network.__class__ = Told
    step.teacher = GuidedTeacher(copy.deepcopy(trainer.network), SCHEDULE, guidance_scale=scale)
    trainer.run()
    assert (trainer.state.output["grad_norm"].item() < 1e-6) == still
