"""The console: ``fundusgen VERB``. Verbs parse, call a room below, and report."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from monai_fundusgen import __version__

BAD_DATA = 1
USER_ERROR = 2
INTERRUPTED = 130

app = typer.Typer(
    name="fundusgen",
    help="Labelled retinal fundus datasets from noise.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"fundusgen {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the full traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Labelled retinal fundus datasets from noise."""


@app.command()
def datalist(
    layout: Annotated[
        str,
        typer.Argument(
            help="Layout of the set: paired (your own folders), drive, rite, hrf, les-av, chase-db1, stare, iostar-av, "
            "inspire-avr or fives."
        ),
    ],
    directory: Annotated[Path, typer.Argument(help="Folder that the set was unpacked to.")],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="JSON file to write. A datalist that this verb wrote is replaced, nothing else."
        ),
    ] = Path("datalist.json"),
    validation: Annotated[
        float, typer.Option(help="Share of the training persons that are kept for validation, 0 to below 1.")
    ] = 0.0,
    testing: Annotated[
        float,
        typer.Option(
            help="Share of all persons that are kept for testing, 0 to below 1; for sets without a test part."
        ),
    ] = 0.0,
    folds: Annotated[int, typer.Option(help="Number of folds for cross-validation; each training item gets one.")] = 5,
    seed: Annotated[int, typer.Option(help="Seed of the random choice of persons for shares and folds.")] = 0,
) -> None:
    """Verify every file of a fundus data set and write its MONAI datalist."""
    from monai_fundusgen.data.datalist import (
        build_datalist,
        describe,
        refuse_missing_folder,
        refuse_other_file,
        write_datalist,
    )
    from monai_fundusgen.data.layouts import find_layout

    found = find_layout(layout)
    refuse_missing_folder(output)
    refuse_other_file(output)
    built = build_datalist(
        found, directory, output.parent, validation=validation, testing=testing, folds=folds, seed=seed
    )
    write_datalist(output, built)
    typer.echo(describe(built, output))


@app.command()
def generate(
    num_samples: Annotated[
        int, typer.Option("--num-samples", "-n", help="Number of samples that the data set shall hold.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder to write; the same command goes on with a set that is there.")
    ],
    seed: Annotated[
        int | None, typer.Option(show_default="0", help="Seed of the run; every sample gets a seed of its own from it.")
    ] = None,
    mask_source: Annotated[
        str | None,
        typer.Option(
            show_default="phantom",
            help="Where vessels come from: phantom (grown by rule), ddpm (sampled by the mask model), "
            "folder (your maps).",
        ),
    ] = None,
    photograph_source: Annotated[
        str | None,
        typer.Option(
            show_default="phantom for phantom vessels, else cascade",
            help="What makes photographs: phantom (simulated optics) or cascade (the trained networks).",
        ),
    ] = None,
    mask_folder: Annotated[
        Path | None, typer.Option(help="Folder with label maps (PNG), for --mask-source folder.")
    ] = None,
    fit: Annotated[
        str | None, typer.Option(help="How maps of another shape or size become square: pad or crop.")
    ] = None,
    style: Annotated[
        Path | None,
        typer.Option(
            show_default="a look of its own for each sample",
            help="A photograph whose colours and light the cascade imitates.",
        ),
    ] = None,
    gate: Annotated[
        bool | None,
        typer.Option(
            show_default="on for ddpm, else off",
            help="Refuse maps whose anatomy is outside the range of real eyes, and draw them again.",
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            show_default="4",
            help="Samples made at a time; Ctrl-C ends the run after so many. Changes no picture.",
        ),
    ] = None,
    shard_size: Annotated[
        int | None,
        typer.Option(
            show_default="10000",
            help="Sets of more samples are split into folders of so many each; 0: never.",
        ),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(
            show_default="all of it",
            help="Make only slice K of M (K/M, K from 0 to M-1), for the tasks of a cluster's array job.",
        ),
    ] = None,
    extend: Annotated[int | None, typer.Option(help="Enlarge a finished set of -n samples to this many.")] = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace the data set in the folder; it stays until this one begins."),
    ] = False,
    weights: Annotated[
        list[Path] | None, typer.Option("--weights", help="Folder of your own training; once for each stage trained.")
    ] = None,
    engine: Annotated[
        str, typer.Option(help="What runs it: local (one process), torchrun (several here), ray (a cluster).")
    ] = "local",
    processes: Annotated[int, typer.Option(help="Number of processes of torchrun, or of actors of ray.")] = 1,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option", help="Any other option of the bundle as NAME=VALUE, for instance size=512; may be repeated."
        ),
    ] = None,
    bundle: Annotated[
        Path | None,
        typer.Option(
            show_default="the installed one",
            help="Folder of another copy of the bundle fundus_dataset_generation.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would be made, and how much room it takes; make nothing.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no messages.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Report as one line of JSON on standard output.")] = False,
) -> None:
    """Make a labelled data set, or the rest of one: photographs, artery/vein labels, datalist, card.

    The same command again finishes a run that was stopped, to the same bytes. Ctrl-C ends it after the batch at hand.
    """
    from monai_fundusgen.launch.bundles import GENERATION
    from monai_fundusgen.launch.bundles import bundle as installed
    from monai_fundusgen.launch.run import RunRequest, forecast, run
    from monai_fundusgen.launch.trained_stages import told_of_weights

    told: dict[str, Any] = {
        "seed": seed, "mask_source": mask_source, "photograph_source": photograph_source, "gate": gate,
        "mask_folder": mask_folder and str(mask_folder), "style": style and str(style), "batch_size": batch_size,
        "shard_size": shard_size, "extend": True if extend else None, "overwrite": overwrite or None,
        "quiet": quiet or as_json or None, "fit": fit, **_part(part), **_named_values(option or []),
    }  # fmt: skip
    told = told_of_weights(weights or [], told)
    if part is not None and overwrite:
        raise ValueError(
            "--overwrite with --part: one part would delete what another has made; delete the folder, then start the "
            "parts without --overwrite"
        )
    count = num_samples if extend is None else max(num_samples, extend)
    request = RunRequest(output, count, told, (bundle or installed(GENERATION)).resolve(), engine, processes)
    if dry_run:
        typer.echo(json.dumps(forecast(request), indent=None if as_json else 2))
        return
    report = run(request)
    if as_json:
        typer.echo(json.dumps(report.plain()))
    elif not quiet:
        typer.echo(
            f"{output}: {report.found + report.made} of {report.num_samples} samples, {report.made} made in "
            f"{report.seconds:.0f} s"
            + (f", {report.repaired} made again: a file of theirs was missing or changed" if report.repaired else "")
            + ("" if report.finished else "; the same command goes on")
        )
    if not report.finished and not part:
        raise typer.Exit(INTERRUPTED)


def _part(text: str | None) -> dict[str, int]:
    """``K/M`` as options of the bundle."""
    if text is None:
        return {}
    pieces = text.split("/")
    if len(pieces) != 2 or not all(piece.isdigit() for piece in pieces):
        raise ValueError(f"--part: found {text!r}, expected K/M, for instance 0/10 for the first of ten")
    return {"part": int(pieces[0]), "parts": int(pieces[1])}


def _named_values(pairs: list[str]) -> dict[str, Any]:
    """``NAME=VALUE`` as options of the bundle; a value is read as YAML."""
    import yaml

    from monai_fundusgen.launch.options import refuse_fighting

    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise ValueError(f"--option: found {pair!r}, expected NAME=VALUE, for instance target_density=0.09")
        if name in found:
            raise ValueError(f"--option: found {name!r} twice, expected it once; leave one out")
        try:
            found[name] = yaml.safe_load(value)
        except yaml.YAMLError:
            found[name] = value  # such as %x or @y: a name
    refuse_fighting(found)
    return found


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
    from monai_fundusgen.launch.train import TrainRequest, stage_bundle
    from monai_fundusgen.launch.train import train as run_training

    told = {
        "datalist": datalist and str(datalist), "max_epochs": epochs, "max_minutes": minutes, "batch_size": batch_size,
        "pretrained": pretrained and str(pretrained), "seed": seed, **_named_values(option or []),
    }  # fmt: skip
    report = run_training(TrainRequest(stage_bundle(stage), output, preset, told, processes))
    if as_json:
        typer.echo(json.dumps(report))
        return
    measured = ", ".join(f"{name} {value:.4g}" for name, value in report.get("validation", {}).items())
    typer.echo(f"{output}: epoch {report.get('epoch', 0)}" + (f", {measured}" if measured else ""))
    typer.echo(f"best weights: {report['weights']}; fundusgen generate --weights {output} takes them")


@app.command()
def verify(
    directory: Annotated[Path, typer.Argument(help="Folder of a data set.")],
    threads: Annotated[int, typer.Option(min=1, help="Number of threads that read and check files.")] = 2,
    repair: Annotated[bool, typer.Option("--repair", help="Make missing and changed samples again.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Report as one line of JSON.")] = False,
) -> None:
    """Check every hash, count, label code and size of a data set, and its lists; exit code 1 where one is wrong."""
    from monai_fundusgen.dataset.manifest import SettingsError
    from monai_fundusgen.dataset.verification import verify as problems_of

    if repair:
        _repair(directory, quiet=as_json)
    problems = []
    try:
        for problem in problems_of(directory, num_threads=threads):
            problems.append(problem)
            if not as_json:
                typer.echo(str(problem))
    except SettingsError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(BAD_DATA) from error
    if as_json:
        typer.echo(json.dumps({"folder": str(directory), "problems": [vars(problem) for problem in problems]}))
    else:
        typer.echo(f"{directory}: {_counted(problems)}" if problems else f"{directory}: all is as the manifest says")
    if problems:
        raise typer.Exit(BAD_DATA)


def _repair(directory: Path, *, quiet: bool) -> None:
    """The run that made a data set, once more: it makes again what is missing or changed."""
    from monai_fundusgen.launch.run import run, run_of

    report = run(run_of(directory))
    if not quiet:
        typer.echo(f"{directory}: {report.repaired + report.made} samples made again, lists and cards written anew")


def _counted(problems: list[Any]) -> str:
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return (
        f"{count}; verify --repair makes samples and lists again, as does the command that made the set; a file that "
        "belongs to no sample is moved away by hand"
    )


@app.command()
def show(
    directory: Annotated[Path, typer.Argument(help="Folder of a data set.")],
    sheet: Annotated[Path | None, typer.Option(help="Also write this PNG: photographs above their labels.")] = None,
    num_samples: Annotated[int, typer.Option("--num-samples", "-n", help="Number of samples on the sheet.")] = 16,
    first: Annotated[int, typer.Option(help="Number of the first sample on the sheet, from 0.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Figures as one line of JSON.")] = False,
) -> None:
    """Print the figures of a data set, finished or not, and write a contact sheet."""
    from monai_fundusgen.dataset.exhibition import figures_of, is_gated, table, write_sheet

    summary = figures_of(directory)
    typer.echo(json.dumps(summary.plain()) if as_json else table(summary, is_gated(directory)))
    if sheet is not None:
        count = write_sheet(directory, sheet, first, num_samples)
        if not as_json:
            typer.echo(f"{sheet}: {count} samples")


@app.command()
def export(
    to: Annotated[str, typer.Option("--to", help="Name of the format; --to list tells all of them and their options.")],
    directory: Annotated[Path | None, typer.Argument(help="Folder of a finished data set.")] = None,
    output: Annotated[Path | None, typer.Argument(help="Folder to write; missing or empty.")] = None,
    testing: Annotated[
        float | None,
        typer.Option(show_default="0", help="Share of the samples that is set aside for testing (the last ones)."),
    ] = None,
    validation: Annotated[
        float | None, typer.Option(show_default="0", help="Share that is set aside for validation (those before them).")
    ] = None,
    links: Annotated[
        bool | None, typer.Option("--links", help="Make hard links to the data set's files instead of copies.")
    ] = None,
    dataset_id: Annotated[int | None, typer.Option(help="Number of the data set in nnU-Net, 1 to 999.")] = None,
    crops: Annotated[
        int | None, typer.Option(show_default="all", help="Number of crops of each photograph, for RV-GAN.")
    ] = None,
) -> None:
    """Write a data set in the layout that another program reads."""
    from monai_fundusgen.export.export_dataset import export_dataset, format_list

    if to == "list":
        typer.echo(format_list())
        return
    if directory is None or output is None:
        raise ValueError("export: found no folders, expected fundusgen export SET OUT --to FORMAT, or --to list alone")
    told = {
        "testing": testing, "validation": validation, "links": links, "dataset_id": dataset_id, "crops": crops,
    }  # fmt: skip
    found = export_dataset(directory, output, to, **told)
    typer.echo(found.line)
    for warning in found.warnings:
        typer.echo(f"note: {warning}", err=True)


@app.command()
def bundles(
    as_json: Annotated[bool, typer.Option("--json", help="Name and folder of each as JSON.")] = False,
) -> None:
    """Print where the installed bundles lie, for ``python -m monai.bundle run --bundle_root``."""
    from monai_fundusgen.launch.bundles import installed_bundles

    found = installed_bundles()
    typer.echo(json.dumps({path.name: str(path) for path in found}) if as_json else "\n".join(map(str, found)))


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


weights_app = typer.Typer(no_args_is_help=True, help="Take weights from other programs.")
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
        source, output, program, config=config, changes=_named_values(option or []),
        new_attention_order=new_attention_order or None, class_index=class_index,
    )  # fmt: skip
    typer.echo(f"{output}: weights of {source}, for --pretrained {output}")


def main(arguments: list[str] | None = None) -> None:
    """Run a verb; an error of the user (bad file, bad value) ends with its message and exit code 2."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        app(arguments)
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        told = _told(error)
        if "--debug" in arguments or told is None:
            raise
        typer.echo(f"error: {told}", err=True)
        sys.exit(USER_ERROR)


def _told(error: Exception) -> str | None:
    """The message of a user's error, without MONAI's wrapping of it; None for a fault of the program."""
    if not isinstance(error, RuntimeError):
        return str(error)
    from monai_fundusgen.launch.bundle_run import user_message

    return user_message(error)


if __name__ == "__main__":
    main()
