"""What each number of residual blocks is worth to a trained enlarger, and a start for a shallower one.

    python benchmarks/enlarger_depth.py hrf.json --weights deep.pt [--blocks 16] [--keep 5 --write start.pt]

From a trained EDSR one block after the other is left out, each time the one that is missed least; nothing is trained in
between. Printed: PSNR over two squares (384 x 512 px of 1024) of training photographs guided by their labels, and
seconds a photograph of 1024 x 832 px on one thread. ``--write`` writes the weights with ``--keep`` blocks: the
``--pretrained`` of a training of the bundle with ``--network_def#num_blocks`` of as many.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
from monai.transforms import Compose
from torch import Tensor

from monai_fundusgen.data.loading import LoadFundusd, load_datalist
from monai_fundusgen.networks.nets.edsr import EDSR
from monai_fundusgen.transforms.augment import ReduceBicubicd
from monai_fundusgen.transforms.field import CropFieldd
from monai_fundusgen.weights.files import load_weights

KEYS = ["image", "label", "fov"]
ROWS, COLUMNS, SCALE = slice(80, 176), slice(60, 188), 4  # of the small photograph
Case = tuple[Tensor, Tensor, Tensor]


def cases(datalist: str) -> list[Case]:
    """Small squares in [-1, 1], their guides, and the large squares in [-1, 1], each with a batch of one."""
    opened = Compose(
        [LoadFundusd(keys=KEYS), CropFieldd(keys=KEYS, size=1024), ReduceBicubicd(["image"], SCALE, "low")]
    )
    rows, columns = (slice(SCALE * part.start, SCALE * part.stop) for part in (ROWS, COLUMNS))
    found = []
    for item in load_datalist(datalist, "training", needs=("label",))[:16:8]:
        eye = {
            key: torch.as_tensor(np.asarray(value, np.float32))
            for key, value in opened(item).items()
            if key in (*KEYS, "low")
        }
        found.append(
            (
                2 * eye["low"][None, :, ROWS, COLUMNS] - 1,
                eye["label"][None, :, rows, columns],
                2 * eye["image"][None, :, rows, columns] - 1,
            )
        )
    return found


@torch.inference_mode()
def psnr_db(network: EDSR, found: list[Case]) -> float:
    """Over all squares."""
    network.shorten_tail()
    errors = [float((network(low, guide) - high).square().mean()) for low, guide, high in found]
    return float(10 * np.log10(4 / np.mean(errors)))


@torch.inference_mode()
def seconds(network: EDSR) -> float:
    """A photograph, after one to warm up."""
    network = network.to(memory_format=torch.channels_last)
    low, guide = torch.zeros(1, 3, 208, 256).to(memory_format=torch.channels_last), torch.zeros(1, 2, 832, 1024)
    network(low, guide)
    start = time.perf_counter()
    network(low, guide)
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datalist")
    parser.add_argument("--weights", required=True)
    parser.add_argument("--blocks", type=int, default=16, help="of these weights")
    parser.add_argument("--keep", type=int, default=3)
    parser.add_argument("--write")
    options = parser.parse_args()
    torch.set_num_threads(1)
    whole = load_weights(EDSR(SCALE, num_blocks=options.blocks, guide_channels=2), options.weights).eval()
    found, kept = cases(options.datalist), list(range(options.blocks))
    print("| blocks | PSNR, dB | s a photograph | which |\n|---|---|---|---|")
    while True:
        network = whole.with_blocks(kept)
        print(f"| {len(kept)} | {psnr_db(network, found):.2f} | {seconds(network):.2f} | {kept} |", flush=True)
        if len(kept) <= options.keep:
            break
        fewer = [[one for one in kept if one != left_out] for left_out in kept]
        kept = max(fewer, key=lambda some: psnr_db(whole.with_blocks(some), found))
    if options.write:
        torch.save(whole.with_blocks(kept).state_dict(), options.write)


if __name__ == "__main__":
    main()
