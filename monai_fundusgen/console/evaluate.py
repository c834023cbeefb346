"""``fundusgen evaluate``: a data set beside real eyes, on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from monai_fundusgen.console.app import app


@app.command()
def evaluate(
    dataset: Annotated[Path, typer.Argument(help="Folder of a finished data set, or a datalist of photographs.")],
    real: Annotated[Path, typer.Option(help="Datalist of real eyes (fundusgen datalist makes one).")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the report.")],
    section: Annotated[
        str | None,
        typer.Option(
            show_default="testing, else validation, else training",
            help="Section of the datalist that the comparison is with.",
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            show_default="that of the data set, at most 1024", help="Side in px that all eyes are squared to."
        ),
    ] = None,
    features: Annotated[
        str,
        typer.Option(help="What tells photographs apart: vessels, random, inception:WEIGHTS, or a TorchScript file."),
    ] = "vessels",
    field_deg: Annotated[
        float | None, typer.Option(help="Field of the real cameras in degrees, for calibres in um.")
    ] = None,
    phantoms: Annotated[
        int | None,
        typer.Option(show_default="24; none for a set of phantoms", help="Number of procedural eyes beside."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(show_default="all", help="Number of samples that are looked at, evenly over the set.")
    ] = None,
    membership: Annotated[
        Path | None,
        typer.Option(help="Bundle of the mask model: does its loss tell training maps from held-out ones?"),
    ] = None,
    judged: Annotated[
        int,
        typer.Option(help="Number of eyes of each sample that a network trained on real photographs reads; 0: none."),
    ] = 12,
    seed: Annotated[int, typer.Option(help="Seed of subsets and intervals.")] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, ...")] = "cpu",
    card: Annotated[
        bool, typer.Option("--card/--no-card", help="Take the verdict over into the card of the data set.")
    ] = True,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no messages.")] = False,
) -> None:
    """Compare a data set with real eyes: one page with verdict, distances, anatomy, copies, and report.json."""
    from monai_fundusgen.evaluation.progress import bars
    from monai_fundusgen.evaluation.report import Evaluation
    from monai_fundusgen.evaluation.report import evaluate as evaluated
    from monai_fundusgen.evaluation.report_file import PAGE

    asked = Evaluation(
        dataset, real, output, section=section, size=size, features=features, field_deg=field_deg, phantoms=phantoms,
        limit=limit, seed=seed, device=device, card=card, membership=membership, judged=judged,
    )  # fmt: skip
    found = evaluated(asked, bars(quiet))
    if not quiet:
        for sentence in (*found["verdict"]["sentences"], *found["verdict"]["copies"]):
            typer.echo(sentence)
        typer.echo(f"{output / PAGE}: open it in a browser")
