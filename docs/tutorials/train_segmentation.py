"""Train MONAI's BasicUNet on a generated data set: artery, vein and background from a photograph.

    make dataset
    .venv/bin/python docs/tutorials/train_segmentation.py synthetic/datalist.json --epochs 20

Everything here is MONAI's own: the data set is an ordinary datalist.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from monai.data import CacheDataset, DataLoader, load_decathlon_datalist
from monai.losses import DiceCELoss
from monai.networks.nets import BasicUNet
from monai.transforms import (
    AsDiscreted,
    Compose,
    EnsureChannelFirstd,
    LoadImaged,
    RandCropByPosNegLabeld,
    RandFlipd,
    ScaleIntensityRanged,
)

NUM_CLASSES = 4  # background, artery, vein, crossing


def loader(datalist: Path, *, patch: int, patches: int, batch_size: int) -> DataLoader:
    """Random patches of the photographs listed under ``training``."""
    items = load_decathlon_datalist(str(datalist.resolve()), True, "training")
    keys = ["image", "label"]
    transform = Compose(
        [
            LoadImaged(keys, reader="PILReader"),
            EnsureChannelFirstd(keys),
            ScaleIntensityRanged("image", 0, 255, 0, 1),
            RandCropByPosNegLabeld(keys, "label", spatial_size=(patch, patch), pos=3, neg=1, num_samples=patches),
            RandFlipd(keys, prob=0.5, spatial_axis=0),
            RandFlipd(keys, prob=0.5, spatial_axis=1),
            AsDiscreted("label", to_onehot=NUM_CLASSES),
        ]
    )
    return DataLoader(CacheDataset(items, transform, progress=False), batch_size=batch_size, shuffle=True)


def train(datalist: Path, *, epochs: int, patch: int = 96, patches: int = 8, batch_size: int = 4) -> list[float]:
    """Mean loss of each epoch."""
    batches = loader(datalist, patch=patch, patches=patches, batch_size=batch_size)
    network = BasicUNet(spatial_dims=2, in_channels=3, out_channels=NUM_CLASSES, features=(16, 16, 32, 64, 128, 16))
    loss = DiceCELoss(softmax=True)
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3)
    curve = []
    for epoch in range(epochs):
        total = 0.0
        for batch in batches:
            optimizer.zero_grad()
            value = loss(network(batch["image"]), batch["label"])
            value.backward()
            optimizer.step()
            total += value.item()
        curve.append(total / len(batches))
        print(f"epoch {epoch + 1:3d}  loss {curve[-1]:.3f}", flush=True)
    return curve


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datalist", type=Path)
    parser.add_argument("--epochs", type=int, default=20)
    arguments = parser.parse_args()
    train(arguments.datalist, epochs=arguments.epochs)
