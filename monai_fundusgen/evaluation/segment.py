"""Label a user's own photographs: probabilities, codes and an overlay, each in the size of its photograph."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from monai_fundusgen.conventions import ARTERY_CODE, CROSSING_CODE, VEIN_CODE
from monai_fundusgen.data.reading import PHOTOGRAPHS, read_rgb
from monai_fundusgen.inferers.field import FieldInferer
from monai_fundusgen.storage.picture_file import write_png
from monai_fundusgen.transforms.fov import estimate_fov, field_circle
from monai_fundusgen.transforms.vessel_codes import VesselCodes
from monai_fundusgen.transforms.vessel_targets import OUTPUTS
from monai_fundusgen.weights.bundles import SEGMENTER
from monai_fundusgen.weights.bundles import bundle as installed
from monai_fundusgen.weights.stages import load_stage

#: Folders of the output, and what they hold.
LABELS, OVERLAYS = "labels", "overlays"
FOLDERS: Final = (*OUTPUTS, LABELS, OVERLAYS)

_MIN_DIAMETER_PX: Final = 200  # of the field; with less, thin vessels are not in the picture
_MIN_FIELD_SHARE: Final = 0.25  # of the field's own square: a scattered or sliver-shaped bright area is no field
_VESSEL_SHARE: Final = (0.005, 0.35)  # of the field; annotated fundus photographs lie between .05 and .15
_OVERLAY_COLOURS: Final = {ARTERY_CODE: (255, 40, 40), VEIN_CODE: (60, 90, 255), CROSSING_CODE: (40, 220, 90)}
_OVERLAY_OPACITY: Final = 0.6


@dataclass(frozen=True)
class Segmenter:
    """A trained network with all that it needs for a photograph.

    Attributes:
        network: in evaluation mode, on ``device``.
        inferer: photographs to probabilities, at their own size.
        codes: probabilities to label codes.
        device: where the network runs.
    """

    network: nn.Module
    inferer: FieldInferer
    codes: VesselCodes
    device: torch.device

    @torch.no_grad()
    def __call__(self, photograph: NDArray[np.uint8], fov: NDArray[np.bool_] | None = None) -> Tensor:
        """Probabilities (3, H, W) of artery, vein and vessel, on the CPU; 0 outside the field.

        Args:
            photograph: (3, H, W).
            fov: field of view (H, W); None: found on the photograph.
        """
        given = torch.from_numpy(photograph).to(self.device).float()[None] / 255
        field = None if fov is None else torch.from_numpy(fov)[None, None]
        chance: Tensor = self.inferer(given, self.network, fov=field)
        return chance[0].cpu()


def load_segmenter(
    bundle: str | Path | None = None,
    device: torch.device | str = "cpu",
    *,
    weights: str | Path | None = None,
    field_deg: float | None = None,
    judge: bool = False,
    image_size: int | None = None,
    mirrors: int | None = None,
    vote: bool = True,
) -> Segmenter:
    """The segmenter of a bundle.

    Args:
        bundle: folder of a bundle with the same outputs; by default ``fundus_av_unet``.
        device: where it runs.
        weights: weights file in place of the bundle's own.
        field_deg: field of the photographs in degrees; None: unknown.
        judge: the bundle's second network, which had no part in any training of another.
        image_size: side in px that photographs are brought to; None: as the bundle says.
        mirrors: mirror images that are averaged: 1, 2 or 4; None: as the bundle says.
        vote: one kind for every stretch of vessel, as the bundle says; False: each pixel has its own.

    Raises:
        FileNotFoundError: no such bundle or weights.
        ValueError: weights of another network, or no such field, size or number of mirror images.
    """
    if image_size is not None and image_size < 1:
        raise ValueError(
            f"image_size: found {image_size}, expected the side in px at which the network reads, say 1024"
        )
    bundle = installed(SEGMENTER) if bundle is None else bundle
    weights = weights or (judge_weights(bundle) if judge else None)
    stage = load_stage(bundle, device, weights=weights, preset="judge" if judge else None)
    inferer = _adjusted(stage.inferer, field_deg, image_size, mirrors, vote)
    return Segmenter(stage.network.eval(), inferer, VesselCodes(stage.maps["threshold"]), torch.device(device))


def judge_weights(bundle: str | Path | None = None) -> Path:
    """Where a bundle, by default ``fundus_av_unet``, has the weights of its second network."""
    return Path(installed(SEGMENTER) if bundle is None else bundle) / "models" / "judge.pt"


def _adjusted(
    inferer: FieldInferer, field_deg: float | None, image_size: int | None, mirrors: int | None, vote: bool
) -> FieldInferer:
    """The inferer with what was asked for in place of its own."""
    return FieldInferer(
        inferer.image_size if image_size is None else image_size,
        trained_deg=inferer.trained_deg,
        field_deg=inferer.field_deg if field_deg is None else field_deg,
        mirrors=inferer.vessels.mirrors if mirrors is None else mirrors,
        vote=inferer.vote if vote else None,
        autocast=inferer.vessels.run.autocast,
    )


def find_photographs(places: Sequence[str | Path]) -> list[Path]:
    """Files and, of each folder, the pictures right in it, in the order of their names.

    Raises:
        FileNotFoundError: no such place, or a folder without pictures.
        ValueError: two photographs whose results would have one name.
    """
    found: list[Path] = []
    for place in map(Path, places):
        if place.is_dir():
            inside = sorted(path for path in place.iterdir() if path.suffix.lower() in PHOTOGRAPHS)
            if not inside:
                raise FileNotFoundError(
                    f"{place}: no picture in this folder; expected files that end in {', '.join(sorted(PHOTOGRAPHS))}"
                )
            found += inside
        elif place.is_file():
            found.append(place)
        else:
            raise FileNotFoundError(f"{place}: no such file or folder; give photographs, or a folder of them")
    first: dict[str, Path] = {}
    for path in found:
        if path.stem in first:
            raise ValueError(
                f"{path} and {first[path.stem]}: both results would be named {path.stem}; segment them into two folders"
            )
        first[path.stem] = path
    return found


def read_photograph(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """A colour fundus photograph (3, H, W) and its field of view (H, W).

    Raises:
        OSError, ValueError: unreadable, black, too small, or no fundus photograph; the message names the file.
    """
    photograph = read_rgb(path)
    try:
        fov = estimate_fov(photograph)
    except ValueError as error:
        raise ValueError(f"{path}: {error}; give a colour fundus photograph") from error
    require_fundus(path, photograph, fov)
    return photograph, fov


def require_fundus(path: str | Path, photograph: NDArray[np.uint8], fov: NDArray[np.bool_]) -> None:
    """Raise ValueError unless a photograph (3, H, W) with its field (H, W) can be that of a fundus.

    The message begins with ``path``; see `read_photograph`.
    """
    diameter = 2 * field_circle(fov).radius
    if diameter < _MIN_DIAMETER_PX:
        raise ValueError(
            f"{path}: its field of view is {diameter:.0f} px across, expected at least {_MIN_DIAMETER_PX}; give the "
            f"photograph at its original size"
        )
    share = float(fov.sum()) / diameter**2
    red, _, blue = (float(channel[fov].mean()) for channel in photograph)
    if share < _MIN_FIELD_SHARE or red <= blue:
        raise ValueError(
            f"{path}: no colour fundus photograph: its bright area fills {share:.0%} of the square round it, mean red "
            f"is {red:.0f}, blue {blue:.0f}; expected a field of at least {_MIN_FIELD_SHARE:.0%}, redder than blue"
        )


def refuse_existing(output: Path, photographs: Iterable[Path]) -> None:
    """Refuse to write over results.

    Raises:
        NotADirectoryError: the output is a file.
        FileExistsError: names the first result that is there.
    """
    if output.exists() and not output.is_dir():
        raise NotADirectoryError(f"{output}: is a file; give the folder that the results go to")
    for photograph in photographs:
        for path in _results(output, photograph.stem).values():
            if path.exists():
                raise FileExistsError(f"{path}: exists already; give another folder, or --overwrite")


def _results(output: Path, stem: str) -> dict[str, Path]:
    return {folder: output / folder / f"{stem}.png" for folder in FOLDERS}


def overlay(photograph: NDArray[np.uint8], codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The photograph (3, H, W) with arteries red, veins blue and crossings green over it, (H, W, 3)."""
    picture = photograph.transpose(1, 2, 0).astype(np.float32)
    for code, colour in _OVERLAY_COLOURS.items():
        where = codes == code
        picture[where] = (1 - _OVERLAY_OPACITY) * picture[where] + _OVERLAY_OPACITY * np.array(colour, np.float32)
    return np.rint(picture).astype(np.uint8)


def segment_file(segmenter: Segmenter, path: Path, output: Path) -> dict[str, Any]:
    """Write the results of one photograph, each file whole or not at all, the label last.

    Returns:
        ``id``, and the shares of the field that are artery, vein and vessel.

    Raises:
        OSError, ValueError: see `read_photograph`; also where what is found cannot be the vessels of a fundus.
    """
    photograph, fov = read_photograph(path)
    chance = segmenter(photograph, fov)
    codes = segmenter.codes(chance).numpy()
    area = float(fov.sum())
    vessel_share = float((codes > 0).sum()) / area
    low, high = _VESSEL_SHARE
    if not low <= vessel_share <= high:
        raise ValueError(
            f"{path}: {vessel_share:.1%} of the field would be vessels, expected {low:.1%} to {high:.0%}; this is no "
            f"fundus photograph, or none that can be read; nothing was written for it"
        )
    places = _results(output, path.stem)
    for name, plane in zip(OUTPUTS, chance.numpy(), strict=True):
        write_png(places[name], np.rint(plane * 255).clip(0, 255).astype(np.uint8))
    write_png(places[OVERLAYS], overlay(photograph, codes))
    write_png(places[LABELS], codes)
    shares = {name: float(((codes & code) > 0).sum()) / area for name, code in (("artery", 1), ("vein", 2))}
    return {"id": path.stem, **shares, "vessel": vessel_share}


def segment(
    places: Sequence[str | Path],
    output: Path,
    segmenter: Segmenter,
    *,
    overwrite: bool = False,
    progress: Callable[[Iterable[Path], str], Iterable[Path]] = lambda paths, _: paths,
) -> list[dict[str, Any]]:
    """Segment photographs into ``output``; all are looked at before the first is segmented.

    Args:
        places: photographs and folders of photographs.
        output: folder of the results; made if missing.
        segmenter: what labels them.
        overwrite: write over results that are there.
        progress: wraps the photographs of a pass, told its name.

    Returns:
        What `segment_file` returns, of each.

    Raises:
        OSError, ValueError: see `find_photographs`, `refuse_existing`, `read_photograph` and `segment_file`.
    """
    photographs = find_photographs(places)
    if not overwrite:
        refuse_existing(output, photographs)
    for path in progress(photographs, "checked"):
        read_photograph(path)
    return [segment_file(segmenter, path, output) for path in progress(photographs, "segmented")]
