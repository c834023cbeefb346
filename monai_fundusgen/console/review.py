"""``fundusgen review``: people correct labels in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from monai_fundusgen.console.app import app


@app.command()
def review(
    place: Annotated[
        Path,
        typer.Argument(
            metavar="DIR|DATALIST",
            help="Data set, folder with labels/ and images/, or datalist: photographs with artery/vein labels.",
        ),
    ],
    photographs: Annotated[
        Path | None, typer.Option(help="Folder of the photographs, where DIR has labels/ alone (fundusgen segment).")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", show_default="review, beside the labels", help="Folder of the results."),
    ] = None,
    reviewer: Annotated[
        list[str] | None, typer.Option(help="Name of a person who gets a link with a token; may be repeated.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen at; the default is reached from this machine only.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen at.")] = 8200,
) -> None:
    """Serve photographs and labels to reviewers' browsers until Ctrl-C; the original labels stay as they are."""
    from monai_fundusgen.apps.review.server import serve
    from monai_fundusgen.apps.web.hosts import LOOPBACK

    def told(address: str, tokens: dict[str, str], folder: Path) -> None:
        for name, token in tokens.items():
            typer.echo(f"{name}: {address}/#{token}")
        if not tokens:
            typer.echo(f"{address}/")
        typer.echo(f"results: {folder}")
        if host not in LOOPBACK:
            typer.echo("warning: other machines reach this without encryption; put an HTTPS proxy before it", err=True)

    serve(
        place, photographs=photographs, output=output, names=reviewer or [], host=host, port=port, told=told,
    )  # fmt: skip
