"""``fundusgen verify``, ``show``, ``export`` and ``bundles``: a data set that is there, and what made it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from monai_fundusgen.console.app import BAD_DATA, app


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
    from monai_fundusgen.weights.bundles import installed_bundles

    found = installed_bundles()
    typer.echo(json.dumps({path.name: str(path) for path in found}) if as_json else "\n".join(map(str, found)))
