"""Draw the figure of docs/concepts/reweighted-loss.md from the record that docs/loss_study.py wrote.

make docs
"""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

FOLDER = Path(__file__).parent / "concepts"
COLOURS = ("tab:blue", "tab:red", "tab:green", "tab:purple")
WHOLE = 64  # px, side of the maps
CLEANEST = 9.2  # log-snr of the schedule's first level: a cut there is none


def draw(record: dict) -> None:
    """Ideal denoisers above, trained networks below."""
    figure, axes = plt.subplots(2, 3, figsize=(11, 7), dpi=85)
    draw_ideal(axes[0], record)
    draw_trained(axes[1], record)
    for axis in axes.flat:
        axis.grid(alpha=0.3)
        axis.title.set_fontsize(10)
    for axis in axes[0]:
        axis.legend(frameon=False, fontsize=7)
    handles, labels = axes[1][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=4, frameon=False, fontsize=8)
    figure.tight_layout(rect=(0, 0.09, 1, 1))
    figure.savefig(FOLDER / "images" / "reweighted_loss.png")
    plt.close(figure)


def draw_ideal(axes: list[Axes], record: dict) -> None:
    """Density and empties against c; gain where a tilt of 1 acts at noisier levels only."""
    for colour, (side, one) in zip(COLOURS, record["oracle"].items(), strict=True):
        strengths = [row["c"] for row in one["tilted"]]
        label = f"{side} px windows" if int(side) < WHOLE else "whole maps"
        density = [row["density"] for row in one["tilted"]]
        axes[0].plot(strengths, density, "o-", color=colour, ms=4, label=label)
        if "cut" not in one:
            continue
        undone = [row["density"] for row in one["untilted"]]
        axes[0].plot(strengths, undone, "x--", color=colour, lw=0.8, label=f"{label}, un-tilted")
        axes[1].plot(strengths, [100 * row["empty"] for row in one["tilted"]], "o-", color=colour, ms=4, label=label)
        axes[1].axhline(100 * one["true_empty"], color=colour, lw=0.8, ls=":", label=f"{label}, true")
        acting = [(row["noisier_than"], row["density"]) for row in one["cut"]]
        acting.append((CLEANEST, density[strengths.index(1)]))
        cuts, found = zip(*acting, strict=True)
        axes[2].plot(cuts, [value / density[0] for value in found], "o-", color=colour, ms=4, label=label)
    network = record["trained"]["logit_c0"]
    cuts = [(CLEANEST if row["noisier_than"] is None else row["noisier_than"], row["density"])
            for row in network["tilted_below"]]  # fmt: skip
    base = network["plain"]["density"]
    axes[2].plot([cut for cut, _ in cuts], [one / base for _, one in cuts], "s-", color="black", ms=4,
                 label="trained network")  # fmt: skip
    axes[0].set(title="ideal denoiser: density / true", xlabel="c", ylim=(0, None))
    axes[1].set(title="ideal denoiser: empty windows, %", xlabel="c", ylim=(-1, None))
    axes[2].set(title="tilt 1 at noisier levels only: density / plain", xlabel="acts below this log-snr", yscale="log")
    axes[2].set_yticks([1, 2, 4, 8], ["1", "2", "4", "8"])
    axes[2].minorticks_off()


def draw_trained(axes: list[Axes], record: dict) -> None:
    """Density, empties and fragments of trained networks against c, with and without cures."""
    truth = record["truth"]
    panels = (("density", 1 / truth["density"], "density / true"), ("fragments", 1, "fragments of a plane"),
              ("largest_share", 100, "largest piece, % of area"))  # fmt: skip
    for axis, (key, scale, title) in zip(axes, panels, strict=True):
        axis.axhline(scale * truth[key], color="black", lw=0.8, ls=":", label="true maps")
        for colour, prediction in zip(COLOURS, ("logit", "eps"), strict=False):
            draw_kind(axis, prediction, colour, key, scale, list(record["trained"].values()))
        for ramp, marker in (("constant", "D"), ("high noise", "d")):
            axis.plot(0, scale * record["trained"]["logit_c0"]["tilted"][ramp][key], marker, color="tab:green", ms=5,
                      label=f"logit c=0, tilted in sampling: {ramp}")  # fmt: skip
        axis.set(title=f"trained: {title}", xlabel="c")
    for axis, ticks in ((axes[0], [0.5, 1, 2, 4, 8]), (axes[1], [1, 3, 10, 30, 100])):
        axis.set_yscale("log")
        axis.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axis.minorticks_off()


def draw_kind(axis: Axes, prediction: str, colour: str, key: str, scale: float, arms: list[dict]) -> None:
    """One figure of the arms of a parametrisation."""
    arms = sorted((arm for arm in arms if arm["prediction"] == prediction), key=lambda arm: arm["c"])
    plain = [arm for arm in arms if arm["noisier_than"] is None]
    tilted = [arm for arm in plain if arm["c"]]
    lines = {
        ("o-", f"{prediction}"): [(arm["c"], arm["plain"]) for arm in plain],
        ("v:", f"{prediction}, un-tilted"): [(arm["c"], arm["full"]) for arm in tilted],
        ("s--", f"{prediction}, un-tilt calibrated"): [(arm["c"], arm["calibrated"]["constant"]) for arm in tilted],
        ("*", f"{prediction}, c at high noise only"): [(arm["c"], arm["plain"]) for arm in arms if arm["noisier_than"]],
    }  # fmt: skip
    for (style, label), points in lines.items():
        found = [(c, scale * figures[key]) for c, figures in points if figures[key] is not None]
        if found:
            hollow = {"mfc": "none"} if style[0] in "vs" else {}
            axis.plot(
                *zip(*found, strict=True), style, color=colour, ms=8 if style == "*" else 5, label=label, **hollow
            )


if __name__ == "__main__":
    draw(json.loads((FOLDER / "reweighted_loss.json").read_text(encoding="utf-8")))
