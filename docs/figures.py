"""Draw the figures of the documentation from the records beside them.

make docs
"""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

TRAINING = Path(__file__).parent / "training"
SERIES = {
    "mask_ddpm": {"loss": "cross-entropy, weighted by noise level"},
    "pix2pixhd": {
        "reconstruction_loss": "absolute difference",
        "feature_matching_loss": "feature matching",
        "generator_loss": "generator, adversarial",
        "discriminator_loss": "discriminator",
    },
    "edsr": {"loss": "mean absolute error, photographs in [-1, 1]"},
    "av_unet": {"loss": "cross-entropy, Dice and kinds"},
}


def history(name: str) -> list[dict]:
    """Epochs of one training, as `RunRecord` wrote them."""
    return [json.loads(line) for line in (TRAINING / f"{name}.jsonl").read_text().splitlines()]


def draw(name: str, series: dict[str, str]) -> None:
    """Loss curves of one training as ``<name>.png``."""
    epochs = history(name)
    steps = [epoch["iteration"] for epoch in epochs]
    figure, axes = plt.subplots(figsize=(6, 3.2), dpi=110)
    for key, label in series.items():
        axes.plot(steps, [epoch["losses"].get(key, float("nan")) for epoch in epochs], label=label)
    axes.set_xlabel("optimiser steps")
    axes.set_ylabel("loss, mean of an epoch")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=8)
    figure.tight_layout()
    figure.savefig(TRAINING / f"{name}.png")
    plt.close(figure)


if __name__ == "__main__":
    for name, series in SERIES.items():
        draw(name, series)
