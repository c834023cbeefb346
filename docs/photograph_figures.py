"""The pictures of docs/concepts/photographs.md and the sheet of the cascade: `make docs`.

    python docs/photograph_figures.py [--photographs FOLDER]

With --photographs, styles of real photographs are imitated too; that picture is not part of the documentation.
"""

import argparse
from pathlib import Path

import numpy as np
from monai.bundle import ConfigParser
from PIL import Image

from monai_fundusgen.dataset.contact_sheet import contact_sheet
from monai_fundusgen.sampling.plan import GenerationPlan
from monai_fundusgen.transforms.av_codec import planes_to_colours

ROOT = Path(__file__).parents[1]
BUNDLE = ROOT / "bundles" / "fundus_dataset_generation"
IMAGES = ROOT / "docs" / "images"
QUALITY = 88


def opened(**settings):
    """The data set bundle with maps of the mask model and the trained cascade."""
    config = ConfigParser()
    config.read_config(str(BUNDLE / "configs" / "inference.yaml"))
    config.update({"bundle_root": str(BUNDLE), "mask_source": "ddpm", **settings})
    return config.get_parsed_content("map_source"), config.get_parsed_content("painter")


def grid(pictures, columns, tile):
    """Pictures (H, W, 3) in rows, reduced to tiles, the black above and below cut."""
    tiles = [np.asarray(Image.fromarray(one).resize((tile, tile), Image.Resampling.LANCZOS)) for one in pictures]
    cut = round(tile * 0.145)
    tiles = [one[cut : tile - cut] for one in tiles]
    return np.concatenate([np.concatenate(tiles[i : i + columns], axis=1) for i in range(0, len(tiles), columns)])


def save(name, pixels):
    """Write a JPEG for the documentation."""
    IMAGES.mkdir(exist_ok=True)
    Image.fromarray(pixels).save(IMAGES / name, quality=QUALITY)


def main():
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=Path)
    options = parser.parse_args()
    maps, painter = opened()
    planned = list(GenerationPlan(16, seed=7).samples())
    samples = [sample for start in range(0, 16, 4) for sample in maps(planned[start : start + 4])]
    photographs = painter(samples, planned)
    pairs = [
        (photograph.transpose(1, 2, 0), planes_to_colours(sample.label).transpose(1, 2, 0))
        for photograph, sample in zip(photographs, samples, strict=True)
    ]
    save("cascade_sheet.jpg", contact_sheet(pairs[:8]))
    save("photographs.jpg", grid([one for one, _ in pairs], 4, 400))
    looks = painter([samples[0]] * 8, planned[:8])
    save("styles.jpg", grid([one.transpose(1, 2, 0) for one in looks], 4, 400))
    save("detail.jpg", np.concatenate([pair[300:700, 300:900] for pair in pairs[1]], axis=1))
    if options.photographs:
        for path in sorted(options.photographs.iterdir())[:3]:
            _, imitating = opened(style=str(path))
            Image.fromarray(imitating([samples[0]], planned[:1])[0].transpose(1, 2, 0)).save(
                f"imitated_{path.stem}.png"
            )


if __name__ == "__main__":
    main()
