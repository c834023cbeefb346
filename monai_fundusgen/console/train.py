"""``fundusgen train``, ``checkpoint`` and ``weights``: trainings, their state and weights of other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from monai_fundusgen.console.app import app
from monai_fundusgen.console.values import named_values


@app.command()
def train(
    stage: Annotated[str, typer.Argument(help="masks, photographs, enlarger, or the name of a bundle.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the training.")],
    datalist: Annotated[Path | None, typer.Option(help="Datalist of photographs; none: phantom eyes alone.")] = None,
    preset: Annotated[str | None, typer.Option(help="Other settings of the bundle, such as paper.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Length of the training.")] = None,
    minutes: Annotated[float | None, typer.Option(help="End after so long, with everything written.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Images of a step.")] = None,
    pretrained: Annotated[Path | None, typer.Option(help="Weights to start from: a model.pt.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the training.")] = None,
    processes: Annotated[int, typer.Option(help="Processes on this machine, one a GPU.")] = 1,
    option: Annotated[
        list[str] | None, typer.Option("--option", help="Another option of the bundle: NAME=VALUE.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Report as one line of JSON on standard output.")] = False,
) -> None:
    """Train a stage on your photographs; the same command again goes on where it stopped.

    The folder then serves `generate --weights`. masks and photographs need artery/vein labels, the enlarger none.
    """
    from monai_fundusgen.launch.train import TrainRequest, next_step, stage_bundle
    from monai_fundusgen.launch.train import train as run_training

    told = {
        "datalist": datalist and str(datalist), "max_epochs": epochs, "max_minutes": minutes, "batch_size": batch_size,
        "pretrained": pretrained and str(pretrained), "seed": seed, **named_values(option or []),
    }  # fmt: skip
    bundle = stage_bundle(stage)
    report = run_training(TrainRequest(bundle, output, preset, told, processes))
    if as_json:
        typer.echo(json.dumps(report))
        return
    measured = ", ".join(f"{name} {value:.4g}" for name, value in report.get("validation", {}).items())
    typer.echo(f"{output}: epoch {report.get('epoch', 0)}" + (f", {measured}" if measured else ""))
    typer.echo(f"best weights: {report['weights']}; {next_step(bundle, output)}")


checkpoint_app = typer.Typer(no_args_is_help=True, help="Move the state of a training between machines.")
app.add_typer(checkpoint_app, name="checkpoint")


@checkpoint_app.command()
def pack(
    path: Annotated[Path, typer.Argument(help="The file: checkpoint.pt in the output_dir of a training.")],
    folder: Annotated[Path, typer.Argument(help="Folder for the parts: missing, empty, or packed before.")],
    max_mib: Annotated[float, typer.Option(help="Largest size of a part, in MiB.")] = 15.0,
) -> None:
    """Split a file, byte for byte, into parts with an index of their SHA-256."""
    from monai_fundusgen.storage import parts

    index = parts.pack(path, folder, int(max_mib * 2**20))
    typer.echo(f"{folder}: {len(index.parts)} parts, {index.whole.num_bytes} bytes, SHA-256 {index.whole.sha256}")


@checkpoint_app.command()
def unpack(
    folder: Annotated[Path, typer.Argument(help="Folder that a file was packed into.")],
    path: Annotated[Path, typer.Argument(help="The file to write.")],
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite a file of other content.")] = False,
) -> None:
    """Check every part and join them to the file that was packed, or write nothing."""
    from monai_fundusgen.storage import parts

    index = parts.unpack(folder, path, replace=replace)
    typer.echo(f"{path}: {index.whole.num_bytes} bytes, SHA-256 {index.whole.sha256}")


weights_app = typer.Typer(no_args_is_help=True, help="Train all weights; take those of other programs.")
app.add_typer(weights_app, name="weights")


@weights_app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="Checkpoint of the other program.")],
    output: Annotated[Path, typer.Argument(help="Weights file to write, for --pretrained.")],
    program: Annotated[str, typer.Option("--from", help="guided-diffusion or monai-generative.")],
    config: Annotated[Path, typer.Option(help="YAML file with network_def, built as the checkpoint was trained.")],
    option: Annotated[
        list[str] | None, typer.Option("--option", help="Change of the network: network_def#NAME=VALUE.")
    ] = None,
    new_attention_order: Annotated[
        bool, typer.Option(help="guided-diffusion: trained with use_new_attention_order.")
    ] = False,
    class_index: Annotated[
        int | None, typer.Option(help="guided-diffusion: class of a conditional checkpoint.")
    ] = None,
) -> None:
    """Turn a checkpoint of guided-diffusion or monai-generative into weights of this package's networks."""
    from monai_fundusgen.weights.foreign import convert_checkpoint

    convert_checkpoint(
        source, output, program, config=config, changes=named_values(option or []),
        new_attention_order=new_attention_order or None, class_index=class_index,
    )  # fmt: skip
    typer.echo(f"{output}: weights of {source}, for --pretrained {output}")


@weights_app.command(name="train")
def train_all(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder; a folder in it for each stage.")],
    datalist: Annotated[Path | None, typer.Option(help="Photographs with labels; none: phantom eyes alone.")] = None,
    max_minutes: Annotated[float | None, typer.Option(help="End after so long, shared among the stages.")] = None,
    stage: Annotated[list[str] | None, typer.Option(help="Only this stage; give it again for another.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of every training.")] = None,
) -> None:
    """Train every network that is shipped, one after the other; the same command again goes on with all of them.

    Nothing in the bundles is replaced: `generate --weights FOLDER` takes what was trained.
    """
    from monai_fundusgen.launch.recipe import RecipeRun, chosen_stages
    from monai_fundusgen.launch.train import STAGES

    stages, recipe = chosen_stages(stage or []), RecipeRun(output, datalist, max_minutes, seed)
    for line in recipe.described(stages):
        typer.echo(line)
    recipe.run(stages, typer.echo)
    folders = ((one.bundle, output / one.name) for one in stages)
    latest = {bundle: folder for bundle, folder in folders if (folder / "model.pt").is_file()}
    made = " ".join(f"--weights {latest[bundle]}" for bundle in STAGES.values() if bundle in latest)
    if made:
        typer.echo(f"fundusgen generate {made} takes them")
