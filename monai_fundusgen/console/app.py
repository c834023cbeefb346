"""The console program itself, which the verbs join, and its exit codes."""

from __future__ import annotations

from typing import Annotated

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
