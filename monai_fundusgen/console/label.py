"""``fundusgen label``: labels corrected by people, with MONAI Label."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from monai_fundusgen.console.app import app

label_app = typer.Typer(no_args_is_help=True, help="Photographs and labels to MONAI Label and back, and its server.")
app.add_typer(label_app, name="label")

_STUDIES = typer.Argument(help="Studies folder of MONAI Label.")
_QUIET = typer.Option("--quiet", "-q", help="No progress bar, no messages.")


@label_app.command("export")
def export_(
    source: Annotated[Path, typer.Argument(metavar="DATALIST", help="Datalist, or folder of a data set.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Studies folder to make, or to add to.")],
    quiet: Annotated[bool, _QUIET] = False,
) -> None:
    """Copy photographs and labels of a datalist into a studies folder, the labels as original ones."""
    from tqdm.auto import tqdm

    from monai_fundusgen.apps.label.transfer import export_studies

    done = export_studies(
        source, output, progress=lambda items: tqdm(items, desc="copied", unit="photograph", disable=quiet)
    )
    if quiet:
        return
    typer.echo(f"{output}: {done.added} photographs added, {done.present} there before; {done.labels} labels")
    if done.kept:
        typer.echo(f"{done.kept} original labels were there already and stay as they are")
    if done.uncertain_px:
        typer.echo(
            f"warning: {done.uncertain_px} vessel pixels of unknown kind are background there, for MONAI Label has no "
            f"code for them",
            err=True,
        )


@label_app.command("import")
def import_(
    studies: Annotated[Path, _STUDIES],
    output: Annotated[Path, typer.Option("--output", "-o", help="Datalist to write; its files go beside it.")] = Path(
        "datalist.json"
    ),
    quiet: Annotated[bool, _QUIET] = False,
) -> None:
    """Write the datalist of the final labels, with copies of all files, versions, and what people changed."""
    from tqdm.auto import tqdm

    from monai_fundusgen.apps.label.transfer import described, import_studies

    labels = import_studies(
        studies, output, progress=lambda names: tqdm(names, desc="copied", unit="photograph", disable=quiet)
    )
    if not quiet:
        for label in labels:
            typer.echo(described(label))
        typer.echo(f"{output}: {len(labels)} final labels")


@label_app.command()
def serve(
    studies: Annotated[Path, _STUDIES],
    application: Annotated[
        Path, typer.Option("--app", help="Folder of the server's own: its weights, runs, logs and uploads.")
    ] = Path("runs/label"),
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen at.")] = 8000,
) -> None:
    """Start MONAI Label on a studies folder, in the environment that `make label` makes; Ctrl-C ends it."""
    from monai_fundusgen.apps.label.serve import serve as serve_studies

    def told(token: str | None) -> None:
        typer.echo(f"http://{host}:{port} serves {studies}")
        if token is not None:
            typer.echo(f"callers need the header Authorization: Bearer {token}")
            typer.echo("warning: other machines reach this without encryption; put an HTTPS proxy before it", err=True)

    serve_studies(studies, application, host=host, port=port, told=told)
