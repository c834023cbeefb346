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
    layout: Annotated[str, typer.Argument(help="Name of the set: paired, drive, rite, hrf, les-av, ...")],
    directory: Annotated[Path, typer.Argument(help="Folder that the set was unpacked to.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Datalist to write.")] = Path("datalist.json"),
    validation: Annotated[float, typer.Option(help="Share of the training persons kept for validation.")] = 0.0,
    testing: Annotated[
        float, typer.Option(help="Share of all persons kept for testing, in sets without a split.")
    ] = 0.0,
    folds: Annotated[int, typer.Option(help="Folds that the training items are numbered into.")] = 5,
    seed: Annotated[int, typer.Option(help="Seed of shares and folds.")] = 0,
    decide: Annotated[
        bool, typer.Option("--decide", help="Decide pixels labelled as both kinds; labels go beside the datalist.")
    ] = False,
) -> None:
    """Verify every file of a fundus data set and write its MONAI datalist."""
    from monai_fundusgen.data.datalist import build_datalist, describe, refuse_missing_folder, write_datalist
    from monai_fundusgen.data.decided import decide_labels, describe_case
    from monai_fundusgen.data.layouts import find_layout

    found = find_layout(layout)
    refuse_missing_folder(output)
    built = build_datalist(
        found, directory, output.parent, validation=validation, testing=testing, folds=folds, seed=seed
    )
    if decide:
        for case in decide_labels(built, output.absolute().parent, f"{output.stem}_decided"):
            typer.echo(describe_case(case))
    write_datalist(output, built)
    typer.echo(describe(built, output))


@app.command()
def generate(
    num_samples: Annotated[int, typer.Option("--num-samples", "-n", help="Samples that the data set is to hold.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the data set.")],
    seed: Annotated[int | None, typer.Option(help="Seed of the run; sample i has one of its own.")] = None,
    mask_source: Annotated[str | None, typer.Option(help="Where vessels come from: phantom, ddpm, folder.")] = None,
    photograph_source: Annotated[str | None, typer.Option(help="phantom (its optics) or cascade (trained).")] = None,
    mask_folder: Annotated[Path | None, typer.Option(help="Label maps, for --mask-source folder.")] = None,
    style: Annotated[Path | None, typer.Option(help="Photograph whose look the cascade imitates.")] = None,
    gate: Annotated[bool | None, typer.Option(help="Draw maps of implausible anatomy again.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Samples between two looks at the clock.")] = None,
    shard_size: Annotated[int | None, typer.Option(help="Samples in a folder of a larger set; 0: one folder.")] = None,
    part: Annotated[str | None, typer.Option(help="Slice of an array job: K/M, K from 0 to M-1.")] = None,
    extend: Annotated[int | None, typer.Option(help="Make a finished set so large; with the -n that it had.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Delete the data set that is there.")] = False,
    engine: Annotated[str, typer.Option(help="local, torchrun or ray.")] = "local",
    processes: Annotated[int, typer.Option(help="Processes of torchrun, actors of ray.")] = 1,
    option: Annotated[
        list[str] | None, typer.Option("--option", help="Another option of the bundle: NAME=VALUE.")
    ] = None,
    bundle: Annotated[Path | None, typer.Option(help="Folder of the bundle fundus_dataset_generation.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no messages.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Report as one line of JSON on standard output.")] = False,
) -> None:
    """Make a labelled data set, or the rest of one: photographs, artery/vein labels, datalist, card.

    The same command again finishes a run that was stopped, to the same bytes. Ctrl-C ends it after the batch at hand.
    """
    from monai_fundusgen.launch.run import BUNDLE, RunRequest, forecast, run

    told: dict[str, Any] = {
        "seed": seed, "mask_source": mask_source, "photograph_source": photograph_source, "gate": gate,
        "mask_folder": mask_folder and str(mask_folder), "style": style and str(style), "batch_size": batch_size,
        "shard_size": shard_size, "extend": True if extend else None, "overwrite": overwrite or None,
        "quiet": quiet or as_json or None, **_part(part), **_named_values(option or []),
    }  # fmt: skip
    if part is not None and overwrite:
        raise ValueError(
            "--overwrite with --part: one part would delete what another has made; delete the folder first"
        )
    count = num_samples if extend is None else max(num_samples, extend)
    request = RunRequest(output, count, told, (bundle or BUNDLE).resolve(), engine, processes)
    if dry_run:
        typer.echo(json.dumps(forecast(request), indent=None if as_json else 2))
        return
    report = run(request)
    if as_json:
        typer.echo(json.dumps(report.plain()))
    elif not quiet:
        typer.echo(
            f"{output}: {report.found + report.made} of {report.num_samples} samples, {report.made} made in "
            f"{report.seconds:.0f} s" + ("" if report.finished else "; the same command goes on")
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

    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise ValueError(f"--option: found {pair!r}, expected NAME=VALUE, for instance target_density=0.09")
        found[name] = yaml.safe_load(value)
    return found


@app.command()
def verify(
    directory: Annotated[Path, typer.Argument(help="Folder of a data set.")],
    threads: Annotated[int, typer.Option(help="Threads that read and hash.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Report as one line of JSON.")] = False,
) -> None:
    """Check every hash, count, label code and size of a data set, and its lists; exit code 1 where one is wrong."""
    from monai_fundusgen.dataset.verification import verify as problems_of

    problems = []
    for problem in problems_of(directory, num_threads=threads):
        problems.append(problem)
        if not as_json:
            typer.echo(str(problem))
    if as_json:
        typer.echo(json.dumps({"folder": str(directory), "problems": [vars(problem) for problem in problems]}))
    else:
        typer.echo(f"{directory}: {_counted(problems)}" if problems else f"{directory}: all is as the manifest says")
    if problems:
        raise typer.Exit(BAD_DATA)


def _counted(problems: list[Any]) -> str:
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return f"{count}; restore these files from a copy, or make the data set again in another folder"


@app.command()
def show(
    directory: Annotated[Path, typer.Argument(help="Folder of a data set.")],
    sheet: Annotated[Path | None, typer.Option(help="PNG to write: photographs above their labels.")] = None,
    num_samples: Annotated[int, typer.Option("--num-samples", "-n", help="Samples on the sheet.")] = 16,
    first: Annotated[int, typer.Option(help="Index of the first sample on the sheet.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Figures as JSON.")] = False,
) -> None:
    """Print the figures of a data set, finished or not, and write a contact sheet."""
    from monai_fundusgen.dataset.exhibition import figures_of, table, write_sheet

    summary = figures_of(directory)
    typer.echo(json.dumps(summary.plain()) if as_json else table(summary))
    if sheet is not None:
        count = write_sheet(directory, sheet, first, num_samples)
        if not as_json:
            typer.echo(f"{sheet}: {count} samples")


@app.command()
def export(
    directory: Annotated[Path, typer.Argument(help="Folder of a finished data set.")],
    output: Annotated[Path, typer.Argument(help="Folder to write; missing or empty.")],
    to: Annotated[str, typer.Option("--to", help="Format; --to list names them.")],
    testing: Annotated[float, typer.Option(help="Share of the samples for testing, the last ones.")] = 0.0,
) -> None:
    """Write a data set in the layout that another program reads."""
    from monai_fundusgen.export.formats import FORMATS, export_dataset

    if to == "list":
        typer.echo("\n".join(f"{name:12} {one.summary}" for name, one in FORMATS.items()))
        return
    typer.echo(export_dataset(directory, output, to, testing=testing))


checkpoint_app = typer.Typer(no_args_is_help=True, help="Move the state of a training between machines.")
app.add_typer(checkpoint_app, name="checkpoint")


@checkpoint_app.command()
def pack(
    path: Annotated[Path, typer.Argument(help="The file: checkpoint.pt in the output_dir of a training.")],
    folder: Annotated[Path, typer.Argument(help="Folder for the parts: missing, empty, or packed before.")],
    max_mib: Annotated[float, typer.Option(help="Largest part, in MiB.")] = 15.0,
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


def main(arguments: list[str] | None = None) -> None:
    """Run a verb; an error of the user (bad file, bad value) ends with its message and exit code 2."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        app(arguments)
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        cause = _innermost(error)
        if "--debug" in arguments or isinstance(cause, RuntimeError):
            raise
        typer.echo(f"error: {cause}", err=True)
        sys.exit(USER_ERROR)


def _innermost(error: BaseException) -> BaseException:
    """The error that a bundle's configuration met, without MONAI's wrapping of it."""
    while isinstance(error, RuntimeError) and error.__cause__ is not None:
        error = error.__cause__
    return error


if __name__ == "__main__":
    main()
