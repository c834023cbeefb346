"""``fundusgen turing``: the reading study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from monai_fundusgen.console.app import app

turing_app = typer.Typer(no_args_is_help=True, help="Reading study: can readers tell synthetic from real?")
app.add_typer(turing_app, name="turing")

_STUDY = typer.Argument(help="Folder of a study.")


@turing_app.command()
def build(
    plan: Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="Plan of the study: arms, readers, seed.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the study to make.")],
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no messages.")] = False,
) -> None:
    """Make a study: pictures of all arms made alike and checked, an order for each reader, tokens."""
    from tqdm.auto import tqdm

    from monai_fundusgen.apps.turing.build import build as build_study

    built = build_study(
        plan, output, progress=lambda paths, name: tqdm(paths, desc=name, unit="picture", disable=quiet)
    )
    for warning in built.warnings:
        typer.echo(f"warning: {warning}", err=True)
    if not quiet:
        for finding in built.findings:
            typer.echo(str(finding))
        count = sum(not trial.practice for trial in built.study.readers[0].trials)
        typer.echo(f"{output}: {count} pictures for each of {len(built.study.readers)} readers; next: turing serve")


@turing_app.command()
def serve(
    study: Annotated[Path, _STUDY],
    host: Annotated[str, typer.Option(help="Address to listen at; the default is reached from this machine only.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen at.")] = 8100,
) -> None:
    """Serve a study to its readers' browsers until Ctrl-C; the links are printed, one for each reader."""
    from monai_fundusgen.apps.turing.server import serve as serve_study
    from monai_fundusgen.apps.turing.study import TOKENS
    from monai_fundusgen.apps.web.hosts import LOOPBACK
    from monai_fundusgen.apps.web.tokens import read_tokens

    def told(address: str) -> None:
        for name, token in read_tokens(study / TOKENS).items():
            typer.echo(f"{name}: {address}/#{token}")
        if host not in LOOPBACK:
            typer.echo("warning: other machines reach this without encryption; put an HTTPS proxy before it", err=True)

    serve_study(study, host=host, port=port, told=told)


@turing_app.command()
def static(
    study: Annotated[Path, _STUDY],
    reader: Annotated[str, typer.Argument(help="Name of a reader.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to make for the reader.")],
) -> None:
    """Write a study for one reader as a folder that is opened from disk; the answers come back as a file."""
    from monai_fundusgen.apps.turing.static_copy import write_static

    count = write_static(study, reader, output)
    typer.echo(f"{output}: {count} pictures; {reader} opens index.html there and sends back the answers file")


@turing_app.command()
def analyse(
    study: Annotated[Path, _STUDY],
    files: Annotated[list[Path] | None, typer.Argument(help="Answers files of readers with a folder.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", show_default="results in the study", help="Folder of the report.")
    ] = None,
) -> None:
    """Open the key and compute all figures, of as many answers as there are: HTML and CSV."""
    from monai_fundusgen.apps.turing.analysis import analyse as analyse_study
    from monai_fundusgen.apps.turing.report import REPORT, write_report

    analysis = analyse_study(study, files or [])
    place = output or study / "results"
    write_report(analysis, study, place)
    for arm in analysis.arms:
        typer.echo(
            f"{arm.arm}: {arm.correct:.1%} judged correctly (+- {arm.half_width:.1%} over images), "
            f"{arm.judged_real:.1%} judged real"
        )
    typer.echo(f"{place / REPORT}: {len(analysis.judged)} of {analysis.expected} answers")
