"""Train MONAI's BasicUNet on a data set, print its Dice on photographs that it has not seen, and save it.

    make dataset
    .venv/bin/python docs/tutorials/train_segmentation.py synthetic/datalist.json --epochs 20

Network, loss, metric and loop are MONAI's own. The reader is this package's `LoadFundusd`, since label files of public
sets hold colours or two levels where generated ones hold codes: it gives artery and vein maps of all of them, or a
vessel map where a set knows no kinds. So any datalist of `fundusgen generate` or `fundusgen datalist` will do.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from monai.data import CacheDataset, DataLoader
from monai.inferers import sliding_window_inference
from monai.losses import DiceCELoss
from monai.metrics import DiceMetric
from monai.networks.nets import BasicUNet
from monai.transforms import AsDiscreted, Compose, RandCropByPosNegLabeld, RandFlipd

from monai_fundusgen.data.loading import LoadFundusd, has_items, load_datalist

KINDS = ("background", "artery", "vein", "crossing")
VESSELS = ("background", "vessel")


def split(datalist: Path) -> tuple[list[dict], list[dict]]:
    """Items to train on, and items to score: the validation or testing part, else every fifth of the training."""
    training = load_datalist(datalist, "training")
    for section in ("validation", "testing"):
        if has_items(datalist, section):
            return training, load_datalist(datalist, section)
    scored = training[4::5] or training[-1:]
    return [item for item in training if item not in scored] or training, scored


def classes_of(items: list[dict]) -> tuple[str, ...]:
    """Arteries and veins where every item tells them, else vessels."""
    return KINDS if all("label" in item or "seed" in item for item in items) else VESSELS


def with_classes(names: tuple[str, ...]) -> Compose:
    """Photograph (3, H, W) in [0, 1] and one channel of class numbers, 0 to 3 as in KINDS or 0 to 1 as in VESSELS."""
    key = "label" if names == KINDS else "vessel"

    def numbered(item: dict) -> dict:
        planes = (item[key] >= 0.5).float()
        return {"image": item["image"], "label": planes[:1] + 2 * planes[1:2] if key == "label" else planes}

    return Compose([LoadFundusd(("image", key)), numbered])


def loader(items: list[dict], names: tuple[str, ...], *, patch: int, patches: int, batch_size: int) -> DataLoader:
    """Random patches, mostly on vessels."""
    keys = ["image", "label"]
    transform = Compose(
        [
            with_classes(names),
            RandCropByPosNegLabeld(keys, "label", spatial_size=(patch, patch), pos=3, neg=1, num_samples=patches),
            RandFlipd(keys, prob=0.5, spatial_axis=0),
            RandFlipd(keys, prob=0.5, spatial_axis=1),
            AsDiscreted("label", to_onehot=len(names)),
        ]
    )
    return DataLoader(CacheDataset(items, transform, progress=False), batch_size=batch_size, shuffle=True)


@torch.no_grad()
def score(network: torch.nn.Module, items: list[dict], names: tuple[str, ...], patch: int) -> dict[str, float]:
    """Dice of each class but the background, over whole photographs."""
    metric = DiceMetric(include_background=False, reduction="mean_batch", num_classes=len(names))
    read, one_hot = with_classes(names), AsDiscreted("label", to_onehot=len(names))
    for item in items:
        pair = one_hot(read(item))
        logits = sliding_window_inference(pair["image"][None], (patch, patch), 8, network.eval(), overlap=0.25)
        found = torch.nn.functional.one_hot(logits.argmax(1), len(names)).movedim(-1, 1)
        metric(found, pair["label"][None])
    return dict(zip(names[1:], metric.aggregate().tolist(), strict=True))


def train(
    datalist: Path, *, epochs: int, patch: int = 96, patches: int = 8, batch_size: int = 4
) -> tuple[torch.nn.Module, list[float], dict[str, float]]:
    """The network, the mean loss of each epoch, and the Dice of each class on unseen photographs."""
    training, scored = split(datalist)
    names = classes_of(training + scored)
    batches = loader(training, names, patch=patch, patches=patches, batch_size=batch_size)
    network = BasicUNet(spatial_dims=2, in_channels=3, out_channels=len(names), features=(16, 16, 32, 64, 128, 16))
    loss = DiceCELoss(softmax=True)
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3)
    curve = []
    for epoch in range(epochs):
        total = 0.0
        for batch in batches:
            optimizer.zero_grad()
            value = loss(network.train()(batch["image"]), batch["label"])
            value.backward()
            optimizer.step()
            total += value.item()
        curve.append(total / len(batches))
        print(f"epoch {epoch + 1:3d}  loss {curve[-1]:.3f}", flush=True)
    return network, curve, score(network, scored, names, patch)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datalist", type=Path)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--output", type=Path, default=Path("segmentation.pt"), help="weights to write")
    arguments = parser.parse_args()
    trained, _, dice = train(arguments.datalist, epochs=arguments.epochs)
    torch.save(trained.state_dict(), arguments.output)
    print("Dice on unseen photographs:", ", ".join(f"{name} {value:.3f}" for name, value in dice.items()))
    print(f"weights: {arguments.output}")
