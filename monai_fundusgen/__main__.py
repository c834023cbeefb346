"""The console: ``fundusgen VERB``. Verbs parse, call a room below, and report."""

from __future__ import annotations

import sys
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
