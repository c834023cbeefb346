"""The file of a vessel tone: how deep a painter's vessels are, and real ones; read for a run, measured on pictures."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from torch import nn
from tqdm.auto import tqdm

from monai_fundusgen.conventions import FOV, IMAGE, LABEL, UNCERTAIN
from monai_fundusgen.data.loading import LoadFundusd, load_datalist
from monai_fundusgen.dataset.identity import identity_of
from monai_fundusgen.storage.whole_file import write_json
from monai_fundusgen.streams import stream
from monai_fundusgen.transforms.field import CropFieldd
from monai_fundusgen.transforms.vessel_tone import GAIN_LIMITS, VesselTone, measured_gain
from monai_fundusgen.vessels.depth_profile import WIDTHS_PX, Case, DepthProfile, measure_depths
from monai_fundusgen.vessels.reflex import MissingReflex, Reflex, measure_reflex

logger = logging.getLogger(__name__)
#: Side that photographs are squared to, px; the classes of width are in these pixels.
TONE_SIZE: Final = 1024
_KEYS: Final = (IMAGE, LABEL, FOV, UNCERTAIN)
_NEAR_UNDECIDED_PX: Final = 3
_SCHEMA: Final = "vessel-tone-3"


def painter_weights(network: nn.Module) -> str:
    """SHA-256 of a painter's weights, which a tone belongs to."""
    return str(identity_of(network=network)["network"]["weights"])


def load_vessel_tone(path: str | Path | None, network: nn.Module | None) -> VesselTone | None:
    """The tone of a painter; None where there is no file, no painter, or where it was measured on other weights.

    The last is said in the log: such photographs keep the depths that the painter gave them.

    Args:
        path: file written by `measure_vessel_tone`.
        network: the painter.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no tone file; the message names it.
    """
    if path is None or network is None:
        return None
    plain = _read(Path(path))
    if plain["painter"] != painter_weights(network):
        logger.warning(
            "%s: measured on other weights than this painter's; its vessels keep the depths that it paints. Measure "
            "yours with configs/tone.yaml of the data set bundle",
            Path(path).name,
        )
        return None
    try:
        real, painted = (DepthProfile.from_plain(plain[name]) for name in ("real", "painted"))
        gain = _gain(plain["gain"])
        reflex = MissingReflex(*(Reflex.from_plain(plain["reflex"][name]) for name in ("real", "toned")))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}; measure it again with configs/tone.yaml") from error
    return VesselTone(painted, real.with_steady_kinds(), gain, reflex)


def _gain(plain: Any) -> NDArray[np.float32]:
    gain = np.asarray(plain, np.float32)
    low, high = GAIN_LIMITS
    if gain.shape != (2, len(WIDTHS_PX), 3) or not ((gain >= low) & (gain <= high)).all():
        raise ValueError(
            f"gain: found shape {gain.shape}, expected {(2, len(WIDTHS_PX), 3)} numbers from {low} to {high}"
        )
    return gain


def _read(path: Path) -> dict[str, Any]:
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{path}: no such file; give tone_file null, or measure one with configs/tone.yaml"
        ) from None
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path}: cannot be read as a vessel tone ({error}); measure it with configs/tone.yaml"
        ) from error
    if not isinstance(plain, dict) or plain.get("schema") != _SCHEMA or not isinstance(plain.get("painter"), str):
        found = plain.get("schema") if isinstance(plain, dict) else type(plain).__name__
        raise ValueError(
            f"{path}: no vessel tone; found schema {found!r}, expected an object with schema {_SCHEMA!r} and the "
            "painter's hash; measure it again with configs/tone.yaml"
        )
    return plain


def measure_vessel_tone(
    path: str | Path,
    network: nn.Module,
    *,
    real: str | Path,
    painted: str | Path,
    repainted: str | Path | None = None,
    section: str = "training",
    limit: int = 100,
) -> None:
    """Measure real photographs and painted ones, then the painted ones with the tone, and write the file.

    Args:
        path: the file.
        network: the painter that painted.
        real: datalist of photographs with artery/vein labels.
        painted: datalist of a data set that the painter made without a tone.
        repainted: the same of the labels of the real photographs: what the tone still misses is measured on these, of
            the same vessels as real ones; None: on ``painted``.
        section: part of the real datalist.
        limit: at most so many photographs of each, evenly spread over the list.

    Raises:
        FileNotFoundError: no such datalist.
        ValueError: photographs without labels, or too few of them.
    """
    rows = {
        name: load_datalist(datalist, part, needs=(LABEL,))
        for name, datalist, part in (
            ("real", real, section), ("painted", painted, "training"), ("toned", repainted or painted, "training")
        )
    }  # fmt: skip
    profile = measure_depths(_cases("real", rows["real"], limit))
    shine = measure_reflex(_cases("reflexes of real", rows["real"], limit))
    plain_tone = VesselTone(measure_depths(_cases("painted", rows["painted"], limit)), profile.with_steady_kinds())
    steady = replace(plain_tone, eye_share=0.0)  # what few eyes happen to draw is not to be mended
    dull = measure_reflex(_toned(steady, _cases("reflexes of toned", rows["toned"], limit)))
    lit = replace(steady, reflex=MissingReflex(shine.steady(), dull))
    toned = measure_depths(_toned(lit, _cases("toned", rows["toned"], limit)))
    gain = measured_gain(plain_tone.real, toned)
    write_json(path, {
        "schema": _SCHEMA, "painter": painter_weights(network), "real": profile.to_plain(),
        "painted": plain_tone.painted.to_plain(), "gain": np.round(gain.astype(np.float64), 4).tolist(),
        "reflex": {"real": shine.to_plain(), "toned": dull.to_plain()},
    })  # fmt: skip


def _toned(tone: VesselTone, cases: Iterable[Case]) -> Iterator[Case]:
    """The cases with the depths that a tone gives them."""
    for place, (photograph, label, fov, undecided) in enumerate(cases):
        yield tone(photograph, label, fov, stream(place, "tone")), label, fov, undecided


def _cases(name: str, items: Sequence[Any], limit: int) -> Iterator[Case]:
    chosen = np.unique(np.linspace(0, len(items) - 1, min(limit, len(items))).astype(int))
    load, crop = LoadFundusd(_KEYS), CropFieldd(_KEYS, TONE_SIZE)
    for place in tqdm(chosen, desc=f"{name} photographs"):
        item = crop(load(items[place]))
        image, label, fov, uncertain = (np.asarray(item[key], dtype=np.float32) for key in _KEYS)
        yield image, label >= 0.5, fov[0] > 0.5, _near(uncertain[0] > 0)


def _near(undecided: NDArray[np.bool_]) -> NDArray[np.bool_]:
    if not undecided.any():
        return undecided
    near: NDArray[np.bool_] = ndimage.binary_dilation(undecided, iterations=_NEAR_UNDECIDED_PX)
    return near
