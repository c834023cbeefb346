"""The console: ``fundusgen VERB``. Verbs parse, call a room below, and report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from monai_fundusgen import __version__

USER_ERROR = 2

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
) -> None:
    """Verify every file of a fundus data set and write its MONAI datalist."""
    from monai_fundusgen.data.datalist import build_datalist, describe, refuse_missing_folder, write_datalist
    from monai_fundusgen.data.layouts import find_layout

    found = find_layout(layout)
    refuse_missing_folder(output)
    built = build_datalist(
        found, directory, output.parent, validation=validation, testing=testing, folds=folds, seed=seed
    )
    write_datalist(output, built)
    typer.echo(describe(built, output))


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
    except (OSError, ValueError) as error:
        if "--debug" in arguments:
            raise
        typer.echo(f"error: {error}", err=True)
        sys.exit(USER_ERROR)


if __name__ == "__main__":
    main()
