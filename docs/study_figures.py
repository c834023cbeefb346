"""Predictions of a study's networks on synthetic photographs that none of them was trained on: `docs/studies/`.

python docs/study_figures.py CONFIG OUT [--list NAME=PATH ...] --photographs SET --arms ARM ARM ... -o PICTURE
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from monai_fundusgen.console.values import named_paths
from monai_fundusgen.data.reading import read_av, read_fov, read_rgb
from monai_fundusgen.evaluation.segment import load_segmenter
from monai_fundusgen.evaluation.study.config import read_study
from monai_fundusgen.evaluation.study.plan import plan_of
from monai_fundusgen.launch.study import StudyRun
from monai_fundusgen.transforms.av_codec import planes_to_colours

TILE, CAPTION = 400, 18


def tile(pixels, caption):
    """A picture (H, W, 3) reduced, with a line above it."""
    small = Image.fromarray(pixels).resize((TILE, TILE), Image.Resampling.LANCZOS)
    page = Image.new("RGB", (TILE, TILE + CAPTION), "white")
    page.paste(small, (0, CAPTION))
    ImageDraw.Draw(page).text((4, 3), caption, fill="black")
    return np.asarray(page)


def probabilities(chance):
    """Artery probability as red, vein as blue, (H, W, 3)."""
    artery, vein, vessel = chance.numpy()
    share = artery / np.maximum(artery + vein, 1e-6)
    return np.rint(255 * np.stack([vessel * share, 0 * vessel, vessel * (1 - share)], axis=-1)).astype(np.uint8)


def main():
    """Draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--list", action="append", default=[])
    parser.add_argument("--photographs", type=Path, action="append", required=True)
    parser.add_argument("--arms", nargs="+", required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    study = read_study(arguments.config, named_paths(arguments.list, "--list"))
    plan = plan_of(study)
    runs = StudyRun(plan, arguments.out)
    method = next(iter(study.methods))
    networks = {}
    for entry in plan.entries:
        if (entry.method, entry.seed) == (method, study.seeds[0]) and entry.arm in arguments.arms:
            weights = runs.weights(entry.training)
            networks[entry.arm] = load_segmenter(weights.parent, weights=weights)
    rows = []
    for folder in arguments.photographs:
        row = json.loads((folder / "datalist.json").read_text())["training"][0]
        photograph, fov = read_rgb(folder / row["image"]), read_fov(folder / row["fov"])
        label = read_av(folder / row["label"])
        tiles = [
            tile(photograph.transpose(1, 2, 0), "photograph"),
            tile(planes_to_colours(np.stack(label[:2])).transpose(1, 2, 0), "label"),
        ]
        tiles += [tile(probabilities(networks[arm](photograph, fov)), arm) for arm in arguments.arms]
        rows.append(np.concatenate(tiles, axis=1))
    Image.fromarray(np.concatenate(rows)).save(arguments.output, quality=88)


if __name__ == "__main__":
    main()
