"""Wrong inputs to ``fundusgen train``, ``generate --weights`` and ``weights convert``."""

import json

import torch


def text(name, content):
    def lay_out(root):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)

    return lay_out


def trained_as(stage, name="runs", inference=True):
    def lay_out(root):
        text(f"{name}/configs/metadata.json", json.dumps({"trained_from": stage}))(root)
        if inference:
            text(f"{name}/configs/inference.yaml", "weights: model.pt\n")(root)

    return lay_out


def broken(root):
    trained_as("unet")(root)
    text("runs/configs/metadata.json", "{")(root)


def two_masks(root):
    trained_as("fundus_av_mask_ddpm", "one")(root)
    trained_as("fundus_av_mask_ddpm", "two")(root)


def checkpoint(root):
    torch.save({"a": torch.zeros(1)}, root / "old.pt")
    text("net.yaml", "network_def: {_target_: torch.nn.Conv2d, in_channels: 1, out_channels: 1, kernel_size: 1}\n")(
        root
    )


CONVERT = "weights convert old.pt new.pt --config net.yaml --from"
CASES = [
    ("a stage that there is not", "train mask -o new", ["stage: found 'mask'", "photographs, enlarger", "masks?"]),
    ("a bundle that is not trained", "train fundus_dataset_generation -o new", ["stage: found", "fundus_av_mask_ddpm"]),
    ("no folder", "train masks", ["--output", "Missing option"]),
    ("another preset", "train masks -o new --preset big", ["preset: found 'big'", "fast, paper"]),
    ("a preset where there is none", "train enlarger -o new --preset fast", ["preset: found 'fast'", "has no preset"]),
    ("no process", "train masks -o new --processes 0", ["processes: found 0", "expected 1 or more"]),
    ("no epoch", "train masks -o new --epochs 0", ["--max_epochs: found 0", "whole number from 1"]),
    ("epochs in words", "train masks -o new --epochs ten", ["--epochs", "valid integer"]),
    ("no time", "train masks -o new --minutes 0", ["--max_minutes: found 0", "above 0"]),
    ("an empty batch", "train masks -o new --batch-size 0", ["--batch_size: found 0", "whole number from 1"]),
    ("a seed below zero", "train masks -o new --seed -1", ["--seed: found -1", "whole number from 0"]),
    ("an unknown option", "train masks -o new --option epochs=3", ["no option of that name", "--max_epochs?"]),
    ("an option without value", "train masks -o new --option seed", ["--option: found 'seed'", "NAME=VALUE"]),
    ("the folder twice", "train masks -o new --option output_dir=other", ["output_dir", "--output"]),
    ("another bundle folder", "train masks -o new --option bundle_root=.", ["bundle_root", "--output"]),
    ("no datalist there", "train masks -o new --datalist nowhere.json", ["nowhere.json", "fundusgen datalist"]),
    ("a data set as datalist", "train masks -o new --datalist set", ["set", "give the JSON file"]),
    ("no weights there", "train enlarger -o new --pretrained gone.pt", ["gone.pt", "no weights there"]),
    ("a data set as folder", "train enlarger -o set", ["set", "holds something that is no training"]),
    ("a file as folder", "train enlarger -o set/run.json", ["set/run.json", "expected a folder"]),
    ("weights of no training", "generate -n 1 -o new --weights set", ["set", "no training there"]),
    ("weights nowhere", "generate -n 1 -o new --weights nowhere", ["nowhere", "no training there"]),
    ("metadata that is no JSON", "generate -n 1 -o new --weights runs", ["metadata.json", "not JSON"],
     broken),
    ("a training of another kind", "generate -n 1 -o new --weights runs", ["a training of unet", "expected one of"],
     trained_as("unet")),
    ("two trainings of one stage", "generate -n 1 -o new --weights one --weights two", ["two", "one training for each"],
     two_masks),
    ("a training against the source", "generate -n 1 -o new --weights runs --mask-source phantom",
     ["needs mask_source ddpm", "found phantom"], trained_as("fundus_av_mask_ddpm")),
    ("a training without its inference", "generate -n 1 -o new --weights runs",
     ["runs", "no training there (no configs/inference.yaml)"],
     trained_as("fundus_av_mask_ddpm", inference=False)),
    ("another program", f"{CONVERT} diffusers", ["--from: found 'diffusers'", "guided-diffusion or monai-generative"],
     checkpoint),
    ("no checkpoint", "weights convert gone.pt new.pt --config net.yaml --from guided-diffusion",
     ["gone.pt", "no weights there"], checkpoint),
    ("no configuration", f"{CONVERT.replace('net.yaml', 'gone.yaml')} guided-diffusion", ["gone.yaml", "network_def"],
     checkpoint),
    ("a configuration without network", "weights convert old.pt new.pt --config empty.yaml --from guided-diffusion",
     ["empty.yaml", "no entry network_def"], text("empty.yaml", "a: 1\n")),
    ("a network that cannot be", f"{CONVERT} guided-diffusion --option network_def#kernle=1",
     ["net.yaml", "cannot be built", "kernle"], checkpoint),
    ("a choice of the other program", f"{CONVERT} monai-generative --class-index 1", ["class_index", "leave it out"],
     checkpoint),
    ("a file that is there", "weights convert old.pt old.pt --config net.yaml --from monai-generative",
     ["old.pt", "is there already"], checkpoint),
]  # fmt: skip


def test_it_is_told(case, world):
    world.check(case)
