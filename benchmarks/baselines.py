"""The paper's baselines in one table: distance to held-back eyes, flaws of the maps, cost of a sample.

    for name in fundus_av_mask_ddpm fundus_vessel_mask_ddpm fundus_photograph_ddpm fundus_av_mask_stylegan2; do
        fundusgen train $name -o runs/$name --preset 128 --datalist hrf.json --minutes 10
    done
    python benchmarks/baselines.py runs/* --datalist hrf.json -o runs/table

Writes table.md, baselines.json and a sheet of samples for each method. All methods are compared at one size, with the
same held-back eyes (the list's testing section and phantom eyes that no training sees), prepared as for the training.
Without a folder it measures 16 samples of the shipped mask model.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from monai_fundusgen.evaluation.generators import Asked, compare, table
from monai_fundusgen.handlers.sample_grid import image_grid
from monai_fundusgen.metrics.features import extractor_name, open_extractor
from monai_fundusgen.storage.picture_file import write_png
from monai_fundusgen.storage.whole_file import write_json, write_whole
from monai_fundusgen.transforms.pixels import soft_map_pixels, unit_pixels
from monai_fundusgen.weights.bundles import bundle

SHOWN = 32  # samples on a sheet
SHIPPED = "fundus_av_mask_ddpm"


def main() -> None:
    """Compare the folders that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, help="folders of trainings, or bundles with weights")
    parser.add_argument("-o", "--output", type=Path, default=Path("runs/baselines"))
    parser.add_argument("-n", "--count", type=int, help="samples of each; default 100")
    parser.add_argument("--datalist", help="its testing section is held back; none: phantom eyes alone")
    parser.add_argument("--phantoms", type=int, default=32, help="held-back phantom eyes")
    parser.add_argument("--features", default="random", help="as in the bundles: random, inception:PATH, PATH")
    parser.add_argument("--weights", default="last.pt", help="file in each folder: last.pt, or model.pt, the best")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    extractor = open_extractor(options.features, torch.device("cpu"))
    count = options.count or (100 if options.folders else 16)
    asked = Asked(
        count=count,
        datalist=options.datalist,
        num_phantoms=options.phantoms,
        weights=options.weights,
        seed=options.seed,
    )
    folders = {folder.resolve().name: folder for folder in options.folders or [bundle(SHIPPED)]}
    rows = []
    for found, samples in compare(folders, extractor, asked):
        rows += found
        name = next(row.name for row in found if row.seconds is not None)
        to_pixels = soft_map_pixels if samples.shape[1] == 2 else unit_pixels
        write_png(options.output / f"{name}.png", image_grid(to_pixels(samples[:SHOWN]).numpy(), columns=8))
        print(f"{name}: done", flush=True)
    told = {"features": extractor_name(extractor), "weights": options.weights}
    write_json(options.output / "baselines.json", {**told, "rows": [row.as_json() for row in rows]})
    write_whole(options.output / "table.md", (table(rows) + "\n").encode())
    print(table(rows))


if __name__ == "__main__":
    main()
