"""``fundusgen segment``: arteries and veins on photographs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from monai_fundusgen.console.app import app


@app.command()
def segment(
    photographs: Annotated[list[Path], typer.Argument(help="Photographs, or folders of them.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the results.")],
    field_deg: Annotated[float | None, typer.Option(help="Field of the camera in degrees, where it is known.")] = None,
    weights: Annotated[Path | None, typer.Option(help="Weights in place of the bundle's own.")] = None,
    bundle: Annotated[Path | None, typer.Option(help="Folder of the bundle fundus_av_unet.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, ...")] = "cpu",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over results that are there.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no messages.")] = False,
) -> None:
    """Find arteries and veins on photographs of any size: probabilities, labels and overlays as PNG."""
    from tqdm.auto import tqdm

    from monai_fundusgen.evaluation.segment import load_segmenter
    from monai_fundusgen.evaluation.segment import segment as segment_all

    segmenter = load_segmenter(bundle, device, weights=weights, field_deg=field_deg)
    done = segment_all(
        photographs, output, segmenter, overwrite=overwrite,
        progress=lambda paths, name: tqdm(paths, desc=name, unit="photograph", disable=quiet),
    )  # fmt: skip
    if not quiet:
        typer.echo(f"{output}: {len(done)} photographs segmented")
