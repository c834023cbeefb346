"""Labels of a datalist with their undecided pixels decided, written beside it with previews and a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from monai_fundusgen.conventions import ARTERY, IMAGE, KINDS, LABEL, VEIN
from monai_fundusgen.data.items import with_ids
from monai_fundusgen.data.reading import read_av, read_rgb
from monai_fundusgen.storage.picture_file import write_png
from monai_fundusgen.storage.whole_file import write_whole
from monai_fundusgen.transforms.av_codec import AVPlanes, encode_av, planes_to_colours
from monai_fundusgen.vessels.deciding.carrying import carried_on
from monai_fundusgen.vessels.deciding.decision import Branch, Decision, decide

#: Code of pixels to ignore in a decided label: white, which every reader of this package takes for uncertain.
IGNORE_CODE: Final = 255
TABLE: Final = "branches.csv"
_SECTIONS: Final = ("training", "validation", "testing")
_COLUMNS: Final = (
    "id", "row", "column", "length_px", "width_px", "kind", "confidence", "artery_share", "artery_by_colour",
)  # fmt: skip
_FIELD_DEG: Final = 60.0
_TILE_PX: Final = 640  # side of a preview's three pictures
_CLOSE: Final = 0.2  # side of the preview's second row over the photograph's longer side


@dataclass(frozen=True)
class DecidedCase:
    """One label decided: its id, pixels that were undecided, those crossing, masked, carried on, and its branches."""

    id: str
    undecided_px: int
    crossing_px: int
    masked_px: int
    carried_px: int
    branches: list[Branch]


def decided_codes(decision: Decision, uncertain: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Label codes (H, W) of a decision: 0 background, 1 artery, 2 vein, 3 crossing, `IGNORE_CODE` left open.

    Args:
        decision: the decided map.
        uncertain: (H, W) pixels that the annotator had left open already.
    """
    codes = encode_av(decision.vessels)
    codes[(decision.open | uncertain) & (codes == 0)] = IGNORE_CODE
    return codes


def _sheet(photograph: NDArray[np.uint8], planes: AVPlanes, decision: Decision) -> NDArray[np.uint8]:
    """Photograph, label and decided label side by side (H, W, 3): whole, and below close up where most changed."""
    before = np.stack([planes.artery, planes.vein])
    pictures = [
        np.moveaxis(pixels, 0, -1)
        for pixels in (
            photograph,
            planes_to_colours(before, planes.uncertain),
            planes_to_colours(decision.vessels, decision.open | planes.uncertain),
        )
    ]
    changed = (decision.vessels != before).any(axis=0)[::4, ::4].astype(np.float32)
    half = round(_CLOSE * max(before.shape[1:]) / 2)
    row, column = np.unravel_index(ndimage.gaussian_filter(changed, half / 12).argmax(), changed.shape)
    top, left = max(4 * int(row) - half, 0), max(4 * int(column) - half, 0)
    close = [picture[top : top + 2 * half, left : left + 2 * half] for picture in pictures]
    return np.concatenate([np.concatenate([_tile(part) for part in parts], axis=1) for parts in (pictures, close)])


def _tile(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Picture as a tile, its sides kept in proportion, on black."""
    tile = Image.new("RGB", (_TILE_PX, _TILE_PX))
    shrunk = Image.fromarray(picture)
    shrunk.thumbnail((_TILE_PX, _TILE_PX), Image.Resampling.BOX)
    tile.paste(shrunk)
    return np.asarray(tile)


def _table(cases: list[DecidedCase]) -> bytes:
    """The branches of all cases as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    names = (*KINDS, "open")
    for case in cases:
        for one in case.branches:
            numbers = (*one.rc, one.length_px, one.width_px)
            shares = (one.confidence, one.artery_share, one.artery_by_colour)
            writer.writerow([case.id, *(f"{v:.1f}" for v in numbers), names[one.kind], *(f"{v:.3f}" for v in shares)])
    return text.getvalue().encode()


def _decide_item(item: dict[str, Any], base_dir: Path, folder: Path, field_deg: float) -> DecidedCase:
    """Decide one label; write it and its preview."""
    planes = read_av(base_dir / item[LABEL])
    photograph = read_rgb(base_dir / item[IMAGE])
    vessels = np.stack([planes.artery, planes.vein])
    decided = decide(vessels, photograph)
    carried = carried_on(decided.vessels, decided.open | planes.uncertain, field_deg=field_deg)
    decision = replace(decided, vessels=carried, open=decided.open & ~carried.any(axis=0))
    write_png(folder / f"{item['id']}.png", decided_codes(decision, planes.uncertain))
    write_png(folder / "previews" / f"{item['id']}.png", _sheet(photograph, planes, decision))
    undecided = vessels[ARTERY] & vessels[VEIN]
    crossing = decided.vessels[ARTERY] & decided.vessels[VEIN]
    return DecidedCase(
        item["id"],
        undecided_px=int(undecided.sum()),
        crossing_px=int(crossing.sum()),
        masked_px=int(decided.open.sum()),
        carried_px=int((carried & ~decided.vessels).sum()),
        branches=decided.branches,
    )


def refuse_kindless(datalist: dict[str, Any]) -> None:
    """Raise ValueError for a datalist whose labels are vessel maps without kinds."""
    if KINDS[ARTERY] not in datalist["labels"].values():
        raise ValueError(
            f"--decide: the labels of {datalist['name']} are vessel maps without arteries and veins; leave it out"
        )


def decide_labels(
    datalist: dict[str, Any], base_dir: str | Path, folder: str, *, field_deg: float | None = None
) -> Iterator[DecidedCase]:
    """Decide the labels of a datalist one after the other, and make it point to the decided ones.

    Below ``base_dir / folder`` come ``ID.png`` (codes 0 to 3, and `IGNORE_CODE` where trainings shall not look),
    ``previews/ID.png`` (photograph, label, decided label), and at the end `TABLE` with a line per undecided branch.

    Args:
        datalist: as `monai_fundusgen.data.datalist.build_datalist` returns it; changed in place.
        base_dir: folder of the datalist.
        folder: name of the folder for the decided labels in it.
        field_deg: visual angle of the photographs; None, where it is not known: `_FIELD_DEG`.

    Raises:
        ValueError: labels without kinds, or two items of one name.
    """
    refuse_kindless(datalist)
    base_dir = Path(base_dir)
    items = [item for section in _SECTIONS for item in datalist[section]]
    cases = []
    for item, named in zip(items, with_ids(items), strict=True):
        if LABEL in item:
            cases.append(_decide_item(named, base_dir, base_dir / folder, field_deg or _FIELD_DEG))
            item[LABEL] = f"{folder}/{named['id']}.png"
            yield cases[-1]
    datalist["label_files"] = f"codes as above, {IGNORE_CODE} (white) vessel of uncertain kind"
    datalist["description"] += " Undecided pixels decided by this package, what stayed open is masked."
    write_whole(base_dir / folder / TABLE, _table(cases))


def describe_case(case: DecidedCase) -> str:
    """One line for the console."""
    of = max(case.undecided_px, 1)
    return (
        f"  {case.id}: {case.undecided_px} px undecided; {1 - (case.crossing_px + case.masked_px) / of:.0%} given a "
        f"kind, {case.crossing_px / of:.0%} crossing, {case.masked_px / of:.0%} masked; {len(case.branches)} branches; "
        f"{case.carried_px} px carried on"
    )
