"""The paper's reweighted loss, measured: ideal denoisers, small networks, and what undoes its thick vessels.

    python docs/loss_study.py

trains, samples and measures, writes concepts/reweighted_loss.json and the sheet of samples; docs/loss_figures.py draws
the record. Weights and figures of each part lie in runs/loss_study: what is there is not made again.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine, Events
from monai.engines import SupervisedTrainer
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from monai_fundusgen.conventions import LABEL
from monai_fundusgen.diffusion.forward import per_sample
from monai_fundusgen.diffusion.noise import SeededNoise
from monai_fundusgen.diffusion.parametrisation import Prediction, target
from monai_fundusgen.diffusion.samplers import Denoiser, dpm_solver
from monai_fundusgen.diffusion.schedule import NoiseSchedule
from monai_fundusgen.diffusion.weighting import capped_inverse_noise, exponential, shift_logits
from monai_fundusgen.engines.denoising_step import DenoisingStep
from monai_fundusgen.handlers.ema import EMA, ema_momentum
from monai_fundusgen.inferers.diffusion import NetworkDenoiser
from monai_fundusgen.networks.nets.adm_unet import ADMUNet
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.streams import stream_seed
from monai_fundusgen.vessels.drawing import vessel_map
from monai_fundusgen.vessels.field import Field
from monai_fundusgen.vessels.topology import component_areas

FOLDER = Path(__file__).parent / "concepts"
WORK = Path(__file__).parents[1] / "runs" / "loss_study"

SIZE = 64  # px
MIN_DIAMETER_UM = 60.0  # thinner vessels are left out: at 64 px they would fill the map
TRAIN, HELD_OUT, TEST = range(0, 400), range(10_000, 10_128), range(20_000, 20_128)  # seeds of phantom eyes
SCHEDULE = NoiseSchedule.linear()  # the paper's, for every arm
STEPS, BATCH, LEARNING_RATE, WARMUP = 1000, 16, 1e-3, 100
HIGH_NOISE = -3.0  # log-snr below which the weight of the "high noise" arms acts
EVALUATIONS = 20  # of DPM-Solver++ 2M
SAMPLE_SEEDS, CALIBRATION_SEEDS = range(0, 128), range(1_000, 1_048)  # of the noise
Shift = Callable[[float], float]  # of the log-snr
STRENGTHS = (0.0, 0.25, 0.5, 1.0, 2.0)
ORACLES = {8: 4000, 16: 1000, 32: 256, 64: 128}  # side of the windows in px: samples
CUT_ORACLES, CUTS = (8, 16), (-8.0, -6.0, -5.0, -4.0, -3.0, -2.0, -1.0, 0.0, 2.0)


@dataclass(frozen=True)
class Arm:
    """One training: what the network predicts, strength of the weight, log-snr below which it acts."""

    prediction: Prediction
    c: float = 0.0
    noisier_than: float = math.inf

    @property
    def name(self) -> str:
        return f"{self.prediction}_c{self.c:g}" + (
            "" if math.isinf(self.noisier_than) else f"_below{self.noisier_than:g}"
        )


ARMS = [
    Arm("v"), Arm("logit"), Arm("logit", 1.0), Arm("eps"), Arm("eps", 1.0), Arm("logit", 1.0, HIGH_NOISE),
    Arm("logit", 0.5), Arm("logit", 2.0), Arm("logit", 0.25),
]  # fmt: skip


def maps(seeds: range) -> Tensor:
    """Binary artery/vein maps (N, 2, SIZE, SIZE) in {-1, 1} of phantom eyes; kept in the work folder."""
    path = WORK / f"maps_{seeds.start}_{len(seeds)}.npy"
    if not path.exists():
        drawn = [vessel_map(grow_retina(seed), SIZE, min_diameter_um=MIN_DIAMETER_UM) for seed in seeds]
        WORK.mkdir(parents=True, exist_ok=True)
        np.save(path, np.packbits(np.stack(drawn)))
    shape = (len(seeds), 2, SIZE, SIZE)
    return torch.from_numpy(np.unpackbits(np.load(path), count=math.prod(shape)).reshape(shape)).float() * 2 - 1


class Batches:
    """The same batches for every arm: random maps, mirrored at random in both directions."""

    def __init__(self, clean: Tensor) -> None:
        self.clean = clean

    def __len__(self) -> int:
        return STEPS

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        for step in range(STEPS):
            rng = torch.Generator().manual_seed(stream_seed(1, "diffusion step", 0, step))
            batch = self.clean[torch.randint(len(self.clean), (BATCH,), generator=rng)]
            for axis in (-1, -2):
                mirrored = torch.rand(BATCH, 1, 1, 1, generator=rng) < 0.5
                batch = torch.where(mirrored, batch.flip(axis), batch)
            yield {LABEL: batch}


class TiltedLoss(nn.Module):
    """The paper's weight on the error of any prediction, at levels noisier than a log-snr; mean 1 over the maps."""

    def __init__(self, arm: Arm, vessel_fraction: float) -> None:
        super().__init__()
        self.arm, self.vessel_fraction = arm, vessel_fraction

    def forward(self, output: Tensor, x_0: Tensor, eps: Tensor, abar: Tensor) -> Tensor:
        wanted = target(x_0, eps, abar, self.arm.prediction)
        if self.arm.prediction == "logit":
            error = F.binary_cross_entropy_with_logits(output.float(), wanted, reduction="none")
            error = per_sample(capped_inverse_noise(abar, "logit"), error) * error
        else:
            error = (output.float() - wanted).square()
        weight = exponential(x_0, self.arm.c, vessel_fraction=self.vessel_fraction)
        acts = per_sample((torch.logit(abar) < self.arm.noisier_than).double(), error).bool()
        return (torch.where(acts, weight, 1.0) * error).mean()


def new_network() -> ADMUNet:
    """1.6 M parameters; the same start for every arm."""
    torch.manual_seed(0)
    return ADMUNet(
        2, 2, channels=(48, 96), attention_levels=(False, False), num_res_blocks=1, num_head_channels=32,
        norm_num_groups=16, patch=4,
    )  # fmt: skip


def trained(arm: Arm, clean: Tensor) -> nn.Module:
    """The arm's averaged network, trained unless its weights are there."""
    path = WORK / f"{arm.name}.pt"
    network = new_network()
    if not path.exists():
        ema = EMA(network, ema_momentum(BATCH * STEPS / 10, BATCH))
        optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=0.01)
        warming = torch.optim.lr_scheduler.LinearLR(optimiser, 0.01, total_iters=WARMUP)
        loss = TiltedLoss(arm, ((clean + 1) / 2).mean().item())
        step = DenoisingStep(SCHEDULE, loss, autocast="bfloat16", max_grad_norm=1.0)
        trainer = SupervisedTrainer(
            torch.device("cpu"), 1, Batches(clean), network, optimiser, loss, iteration_update=step, decollate=False
        )
        ema.attach(trainer)
        trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda _: warming.step())
        trainer.add_event_handler(Events.ITERATION_COMPLETED(every=100), _progress, arm.name, time.process_time())
        trainer.run()
        torch.save(ema.state_dict(), path)
    network.load_state_dict(torch.load(path, weights_only=True))
    return network.eval()


def _progress(engine: Engine, name: str, start: float) -> None:
    seconds = time.process_time() - start
    print(f"{name}: step {engine.state.iteration}, loss {engine.state.output['loss']:.4f}, {seconds:.0f} s", flush=True)


def figures(vessels: NDArray[np.bool_], scarce: float) -> dict[str, float]:
    """Means over the planes (artery and vein apart) of maps (N, 2, H, W) inside the field.

    Density, share of planes whose density is below `scarce`, 8-connected pieces, share of the area in the largest.
    """
    field = Field().mask(SIZE)
    areas = [component_areas(plane & field) for plane in vessels.reshape(-1, SIZE, SIZE)]
    density = np.array([plane.sum() for plane in areas]) / field.sum()
    drawn = [plane for plane in areas if plane.size]
    return {
        "maps": len(vessels),
        "density": float(density.mean()),
        "density_error": float(density.reshape(-1, 2).mean(1).std() / math.sqrt(len(vessels))),
        "empty": float((density < scarce).mean()),
        "fragments": float(np.mean([plane.size for plane in drawn])) if drawn else math.nan,
        "largest_share": float(np.mean([plane[0] / plane.sum() for plane in drawn])) if drawn else math.nan,
    }


# --- ideal denoisers


def windows(clean: Tensor, side: int) -> Tensor:
    """Components (K, 2 side^2) of a mixture: 2048 random windows of the maps, or all maps in four mirrorings."""
    if side == SIZE:
        return torch.cat([clean, clean.flip(-1), clean.flip(-2), clean.flip(-1, -2)]).flatten(1)
    rng = torch.Generator().manual_seed(0)
    which = torch.randint(len(clean), (2048,), generator=rng)
    corners = torch.randint(8, SIZE - 7 - side, (2, 2048), generator=rng)  # inside the field
    places = zip(which, *corners, strict=True)
    return torch.stack([clean[i, :, y : y + side, x : x + side] for i, y, x in places]).flatten(1)


def ideal(patches: Tensor, c: float, *, noisier_than: float = math.inf, logit_shift: float = 0.0) -> Denoiser:
    """E[x_0 | x_t] of the mixture; with `c` what a network trained under exp(c x_0) would answer."""

    def denoise(x: Tensor, abar: Tensor) -> Tensor:
        mean = (torch.softmax((abar.sqrt() / (1 - abar)).to(x) * (x @ patches.T), 1) @ patches).clamp(-1, 1)
        if torch.logit(abar) < noisier_than:
            mean = shift_logits(mean, -c)
        return shift_logits(mean, logit_shift)

    return denoise


def oracle(clean: Tensor) -> dict[str, dict]:
    """Density over true density, and empties, of samples of ideal denoisers."""
    record = {}
    for side, count in ORACLES.items():
        patches = windows(clean, side)
        x_T = SeededNoise([side]).normal(count, patches.shape[1])[0]
        true = (patches > 0).float().mean().item()

        def ratios(denoise: Denoiser, x_T: Tensor = x_T, true: float = true) -> dict[str, float]:
            sampled = dpm_solver(denoise, x_T, SCHEDULE.levels(EVALUATIONS)) > 0
            density = sampled.float().mean(1)
            error = density.std().item() / math.sqrt(len(density)) / true
            empty = (density == 0).float().mean().item()
            return {"density": density.mean().item() / true, "density_error": error, "empty": empty}

        record[str(side)] = {
            "components": len(patches), "samples": count, "true_density": true,
            "true_empty": (patches < 0).all(1).float().mean().item(),
            "tilted": [{"c": c, **ratios(ideal(patches, c))} for c in STRENGTHS],
        }  # fmt: skip
        if side in CUT_ORACLES:
            record[str(side)] |= {
                "untilted": [{"c": c, **ratios(ideal(patches, c, logit_shift=c))} for c in STRENGTHS],
                "cut": [{"noisier_than": cut, **ratios(ideal(patches, 1.0, noisier_than=cut))} for cut in CUTS],
            }
    return record


# --- trained networks

#: Share of the un-tilt by log-snr: everywhere, only at high noise, only at low noise.
RAMPS: dict[str, Shift] = {
    "constant": lambda log_snr: 1.0,
    "high noise": lambda log_snr: min(max((-1 - log_snr) / 4, 0.0), 1.0),
    "low noise": lambda log_snr: min(max((log_snr + 5) / 4, 0.0), 1.0),
}


def sampled(network: nn.Module, prediction: Prediction, seeds: range, shift: Shift = lambda log_snr: 0.0) -> Tensor:
    """Soft maps (N, 2, SIZE, SIZE) in [0, 1]; the estimate at each log-snr un-tilted by `shift`."""
    estimate = NetworkDenoiser(network, SCHEDULE, prediction, autocast="bfloat16")

    def denoise(x: Tensor, abar: Tensor) -> Tensor:
        return shift_logits(estimate(x, abar), shift(torch.logit(abar).item()))

    parts = []
    with torch.no_grad():
        for first in range(seeds.start, seeds.stop, BATCH):
            x_T = SeededNoise(range(first, min(first + BATCH, seeds.stop))).normal(2, SIZE, SIZE)
            parts.append(dpm_solver(denoise, x_T, SCHEDULE.levels(EVALUATIONS)))
    return (torch.cat(parts) + 1) / 2


def ramped(shift: float, ramp: str = "constant") -> Shift:
    """The shift, scaled by a ramp; positive takes vessels away, negative adds them."""
    return lambda log_snr: shift * RAMPS[ramp](log_snr)


def tilted_below(network: nn.Module, prediction: Prediction) -> list[dict]:
    """Densities when the plainly trained network is tilted by c = 1 at levels noisier than each cut, and everywhere."""
    rows = []
    for cut in (*CUTS, math.inf):
        soft = sampled(network, prediction, CALIBRATION_SEEDS, lambda log_snr, cut=cut: -1.0 if log_snr < cut else 0.0)
        row = figures(soft.numpy() > 0.5, 0.0)
        rows.append({"noisier_than": None if math.isinf(cut) else cut} | row)
    return rows


def calibrated(
    network: nn.Module, prediction: Prediction, wanted: float, full: float, ramp: str, scarce: float
) -> dict:
    """Samples whose density is `wanted`: the share of the shift `full` is bisected, with noise of its own.

    Where even the whole shift leaves the density on the same side of `wanted`, the whole shift it is.
    """
    low, high, tried = 0.0, 1.0, []
    field = Field().mask(SIZE)
    for step in range(6):
        strength = (low + high) / 2 if step else 1.0
        soft = sampled(network, prediction, CALIBRATION_SEEDS, ramped(strength * full, ramp)).numpy()
        tried.append({"strength": strength, "density": float((soft > 0.5)[..., field].mean())})
        too_weak = (tried[-1]["density"] > wanted) == (full > 0)
        if not step and too_weak:
            break
        low, high = (strength, high) if too_weak else (low, strength)
    best = min(tried, key=lambda one: abs(one["density"] - wanted))
    soft = sampled(network, prediction, SAMPLE_SEEDS, ramped(best["strength"] * full, ramp))
    return {"strength": best["strength"], "tried": tried} | figures(soft.numpy() > 0.5, scarce)


def kept(name: str, make: Callable[[], dict]) -> dict:
    """A part of the record: read from the work folder, or made and written there."""
    path = WORK / f"{name}.json"
    if not path.exists():
        text = json.dumps(rounded(make()), indent=1)
        path.write_text(text, encoding="utf-8")
        print(name, text, flush=True)
    return json.loads(path.read_text(encoding="utf-8"))


def study() -> dict:
    """Everything: train, sample, measure."""
    clean, held_out, test = (maps(seeds) for seeds in (TRAIN, HELD_OUT, TEST))
    field = Field().mask(SIZE)
    truth = figures(test.numpy() > 0, 0.0)
    scarce = truth["density"] / 4
    wanted = float((held_out.numpy() > 0)[..., field].mean())
    settings = {
        "size": SIZE, "min_diameter_um": MIN_DIAMETER_UM, "training_eyes": len(TRAIN), "steps": STEPS, "batch": BATCH,
        "learning_rate": LEARNING_RATE, "evaluations": EVALUATIONS, "high_noise": HIGH_NOISE,
        "parameters": sum(one.numel() for one in new_network().parameters()),
    }  # fmt: skip
    return {
        "settings": settings,
        "truth": figures(test.numpy() > 0, scarce),
        "held_out_density": wanted,
        "oracle": kept("oracle", lambda: oracle(clean)),
        "trained": {arm.name: kept(arm.name, lambda arm=arm: measured(arm, clean, wanted, scarce)) for arm in ARMS},
    }


def measured(arm: Arm, clean: Tensor, wanted: float, scarce: float) -> dict:
    """Figures of one arm's samples: as they are, un-tilted; those of the plain arms tilted as well."""
    network = trained(arm, clean)
    row = asdict(arm) | {"noisier_than": None if math.isinf(arm.noisier_than) else arm.noisier_than}
    row["plain"] = figures(sampled(network, arm.prediction, SAMPLE_SEEDS).numpy() > 0.5, scarce)
    if arm.c and math.isinf(arm.noisier_than):
        row["full"] = figures(sampled(network, arm.prediction, SAMPLE_SEEDS, ramped(arm.c)).numpy() > 0.5, scarce)
        ramps = RAMPS if arm.c == 1 else ("constant",)
        row["calibrated"] = {ramp: calibrated(network, arm.prediction, wanted, arm.c, ramp, scarce) for ramp in ramps}
    if arm == Arm("logit"):
        row["tilted_below"] = tilted_below(network, arm.prediction)
        ramps = ("constant", "high noise")
        row["tilted"] = {ramp: calibrated(network, arm.prediction, wanted, -1.0, ramp, scarce) for ramp in ramps}
    return row


# --- samples to look at

#: Arms of the sheet, and what is done in sampling: nothing, tilt at high noise, constant un-tilt, both calibrated.
SHEET = (
    ("logit_c0", None), ("logit_c0", "tilted"), ("logit_c0.25", None), ("logit_c1", None), ("logit_c1", "calibrated"),
    ("logit_c1_below-3", None), ("logit_c2", None), ("v_c0", None), ("eps_c0", None),
)  # fmt: skip


def sheet(record: dict, columns: int = 8) -> None:
    """Test maps, then a row of samples for each entry of `SHEET`: artery red, vein blue, both purple."""
    rows = [(maps(TEST)[:columns].numpy() + 1) / 2]
    for name, cure in SHEET:
        arm, row = next(arm for arm in ARMS if arm.name == name), record["trained"][name]
        shift = ramped(0.0)
        if cure == "tilted":
            shift = ramped(-row["tilted"]["high noise"]["strength"], "high noise")
        elif cure == "calibrated":
            shift = ramped(row["calibrated"]["constant"]["strength"] * arm.c)
        rows.append(sampled(trained(arm, maps(TRAIN)), arm.prediction, range(columns), shift).numpy())
    codes = (np.stack(rows) > 0.5).astype(np.uint8)
    codes = np.pad(codes[:, :, 0] + 2 * codes[:, :, 1], ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=4)
    tiles = codes.transpose(0, 2, 1, 3).reshape(len(rows) * (SIZE + 2), -1).repeat(2, axis=0).repeat(2, axis=1)
    picture = Image.fromarray(tiles, mode="P")
    picture.putpalette([255, 255, 255, 200, 40, 40, 40, 70, 190, 150, 40, 150, 190, 190, 190])
    picture.save(FOLDER / "images" / "reweighted_loss_samples.png", optimize=True)


def rounded(value: Any) -> Any:
    """The record with four decimals, NaN as null."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(one) for one in value]
    if isinstance(value, float):
        return round(value, 4) if math.isfinite(value) else None
    return value


if __name__ == "__main__":
    torch.set_num_threads(1)
    everything = rounded(study())
    (FOLDER / "reweighted_loss.json").write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")
    sheet(everything)
