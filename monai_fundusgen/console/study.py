"""``fundusgen study``: does synthetic data help."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from monai_fundusgen.console.app import INTERRUPTED, app


@app.command()
def study(
    config: Annotated[Path, typer.Argument(help="Configuration, YAML or JSON.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the study; several may share one.")],
    datalist: Annotated[
        list[str] | None,
        typer.Option("--list", help="Path of a list of the configuration: NAME=PATH; may be repeated."),
    ] = None,
    processes: Annotated[int, typer.Option(help="Trainings at a time.")] = 1,
    tables_only: Annotated[
        bool, typer.Option("--tables-only", help="Write the tables of what is finished; train nothing.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No messages.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Report as one line of JSON on standard output.")] = False,
) -> None:
    """Train networks with and without synthetic data, and say what differs, and how sure that is.

    The same command again goes on where it stopped; finished trainings are not repeated.
    """
    from monai_fundusgen.console.values import named_paths
    from monai_fundusgen.launch.study import study as run_study

    try:
        report = run_study(
            config, output, named_paths(datalist or [], "--list"), processes=processes, train=not tables_only,
            tell=lambda line: None if quiet or as_json else typer.echo(line, err=True),
        )  # fmt: skip
    except KeyboardInterrupt:
        typer.echo("interrupted; the same command goes on", err=True)
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        typer.echo(json.dumps(report))
    elif not quiet:
        typer.echo(f"{report['folder']}: tables.md, CSV files and pictures; {report['missing']} trainings missing")
