"""Trained generators beside one another: distance of their samples to held-back eyes, flaws of their maps, and cost."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from monai.bundle import ConfigParser
from torch import Tensor

from monai_fundusgen.conventions import IMAGE, KINDS, LABEL
from monai_fundusgen.data.draws import Draws, source_weights
from monai_fundusgen.data.items import phantom_items
from monai_fundusgen.data.training_data import load_items
from monai_fundusgen.handlers.distribution_curve import distances, features_of
from monai_fundusgen.metrics.features import Extractor
from monai_fundusgen.metrics.functional.vessel_structure import Figures, figures_of
from monai_fundusgen.streams import sample_seed
from monai_fundusgen.weights.bundles import bundle
from monai_fundusgen.weights.stages import TRAINED_FROM, Stage, load_stage, stage_config

#: Level of a soft map from which a pixel counts as vessel.
THRESHOLD: Final = 0.25
#: Columns of the anatomy, as `flaws` gives them.
FLAWS: Final = ("loops", "fragments", "same_kind_crossings", "empty_share", "av_crossings")
_HELD_BACK: Final = 2_000_000  # seed of the first phantom eye that no training sees
_REPRESENTATION: Final = {1: "vessel maps", 2: "artery/vein maps", 3: "photographs"}
_BATCH: Final = 20  # seeds that a sampler is given at a time


@dataclass(frozen=True)
class Asked:
    """What a comparison is asked for.

    Attributes:
        count: samples of each generator; as many held-back eyes stand beside them, and as many again for the floor.
        datalist: whose section ``testing`` is held back; None: phantom eyes alone.
        num_phantoms: phantom eyes that no training sees.
        phantom_share: share of the held-back draws that are phantoms, as in the training.
        weights: file in each folder.
        seed: of samples, draws and subsets.
        device: where the networks run.

    Raises:
        ValueError: a number that cannot be.
    """

    count: int = 100
    datalist: str | None = None
    num_phantoms: int = 32
    phantom_share: float = 0.5
    weights: str = "model.pt"
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.count < 2 or self.num_phantoms < 0 or (not self.num_phantoms and self.datalist is None):
            raise ValueError(
                f"count: found {self.count}, num_phantoms: found {self.num_phantoms}; expected 2 samples or more, and "
                "a datalist or phantom eyes to compare with"
            )


@dataclass(frozen=True)
class Generator:
    """A trained generator.

    Attributes:
        name: in the table.
        stage: network and sampler.
        size: side of its images, px.
        source: folder of the bundle that it was trained from.
    """

    name: str
    stage: Stage
    size: int
    source: Path

    def sampled(self, seeds: Sequence[int]) -> tuple[Tensor, float]:
        """Images (N, C, S, S) in [0, 1] of the seeds, and seconds for each: of the processor, on a GPU of the clock."""
        device = next(self.stage.network.parameters()).device
        clock = time.process_time if device.type == "cpu" else time.perf_counter
        self.stage.network.eval()
        images, started = [], clock()
        for first in range(0, len(seeds), _BATCH):
            images.append(self.stage.inferer(list(seeds[first : first + _BATCH]), self.stage.network).cpu())
        return torch.cat(images), (clock() - started) / len(seeds)


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        name: of the generator, or of the held-back eyes.
        shows: artery/vein maps, vessel maps or photographs.
        distances: see `distribution_curve.distances`.
        flaws: means over the maps by name, see `flaws`; empty for photographs.
        seconds: for one sample; None of held-back eyes.
    """

    name: str
    shows: str
    distances: dict[str, float]
    flaws: dict[str, float]
    seconds: float | None = None

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def open_generator(name: str, folder: str | Path, asked: Asked) -> Generator:
    """The generator of a training's folder or of a bundle.

    Raises:
        FileNotFoundError: no such folder, or no weights in it.
        ValueError: the weights do not fit, or the folder is no bundle of generators.
    """
    config = stage_config(folder)
    told = json.loads((Path(folder) / "configs" / "metadata.json").read_text(encoding="utf-8"))
    source = bundle(str(told[TRAINED_FROM])) if TRAINED_FROM in told else Path(folder)
    if "image_size" not in config or not (source / "configs" / "train.yaml").is_file():
        raise ValueError(f"{folder}: no generator; give the folder of a training of masks or photographs from noise")
    weights = Path(folder) / asked.weights
    stage = load_stage(folder, asked.device, weights=weights if weights.is_file() else None)
    return Generator(name, stage, int(config.get_parsed_content("image_size")), source)


def held_back(generator: Generator, asked: Asked) -> Tensor:
    """Images (2 count, C, S, S) in [-1, 1] of eyes that no training sees, prepared and warped as by its training."""
    parser = ConfigParser()
    parser.read_config(str(generator.source / "configs" / "train.yaml"))
    parser["image_size"], parser["source_size"] = generator.size, 2 * generator.size
    key = str(parser["train"]["step"].get("key", LABEL))
    real = load_items(asked.datalist, "testing", labelled=key != IMAGE, kinds=key == LABEL) if asked.datalist else []
    items = [*real, *phantom_items(asked.num_phantoms, _HELD_BACK)]
    prepare = parser.get_parsed_content("train#preprocessing")
    draws = Draws(
        [prepare(item) for item in items],
        parser.get_parsed_content("train#augmentation"),
        length=2 * asked.count,
        weights=source_weights(len(real), asked.num_phantoms, asked.phantom_share),
        seed=asked.seed,
    )
    return torch.stack([torch.as_tensor(draws[place][key]).as_subclass(Tensor).float() for place in range(len(draws))])


def flaws(maps: Tensor) -> dict[str, float]:
    """Means over soft maps (N, C, H, W) in [0, 1] of what should be few, and of crossings, which should be there.

    Returns:
        ``loops``, ``fragments`` (pieces) and ``same_kind_crossings``, summed over the kinds; ``empty_share``, of maps
        in which a kind is missing; of two channels ``av_crossings``. Nothing for photographs.
    """
    if maps.shape[1] not in (1, len(KINDS)):
        return {}
    planes = KINDS if maps.shape[1] == len(KINDS) else ("vessel",)
    rows: list[Figures] = [figures_of(one, THRESHOLD) for one in maps.numpy()]

    def mean(figure: str) -> float:
        return float(np.mean([sum(row[f"{plane}.{figure}"] for plane in planes) for row in rows]))

    found = {"loops": mean("loops"), "fragments": mean("components"), "same_kind_crossings": mean("crossings")}
    found["empty_share"] = float(np.mean([max(row[f"{plane}.empty"] for plane in planes) for row in rows]))
    if len(planes) == len(KINDS):
        found["av_crossings"] = float(np.mean([row["av_crossings"] for row in rows]))
    return found


def compare(
    folders: Mapping[str, str | Path], extractor: Extractor, asked: Asked
) -> Iterator[tuple[list[Row], Tensor]]:
    """For each generator its rows and its samples (N, C, S, S) in [0, 1].

    A generator that tells kinds has a second row, kinds united, which compares with one that does not. Before the first
    row of a representation comes that of the held-back eyes: their distance is the floor.

    Args:
        folders: name to folder of a training, or bundle.
        extractor: images (N, 3, H, W) in [-1, 1] to features (N, D).
        asked: what is asked for.

    Raises:
        ValueError: generators of different sizes; else as `open_generator`.
    """
    generators = [open_generator(name, folder, asked) for name, folder in folders.items()]
    sizes = {one.name: one.size for one in generators}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"generators of different sizes: {sizes}; distances and anatomy compare at one size only")
    known: dict[str, Reference] = {}
    seeds = [sample_seed(asked.seed, place) for place in range(asked.count)]
    for generator in generators:
        samples, seconds = generator.sampled(seeds)
        shown = dict(zip(_names(generator.name), _representations(samples), strict=False))
        rows: list[Row] = []
        if any(_shows(images) not in known for images in shown.values()):
            for eyes in _representations((held_back(generator, asked) + 1) / 2):
                if _shows(eyes) not in known:
                    known[_shows(eyes)] = _reference(eyes, extractor)
                    rows.append(known[_shows(eyes)].row(_shows(eyes), asked.seed))
        for name, images in shown.items():
            found = distances(features_of(extractor, images * 2 - 1), known[_shows(images)].features, seed=asked.seed)
            rows.append(Row(name, _shows(images), found, flaws(images), seconds))
        yield rows, samples


@dataclass(frozen=True)
class Reference:
    """Held-back eyes in one representation: features (2 count, D) and the flaws of the first half."""

    features: np.ndarray[Any, np.dtype[np.float64]]
    flaws: dict[str, float]

    def row(self, shows: str, seed: int) -> Row:
        """Their line: the distance of one half to the other."""
        half = len(self.features) // 2
        found = distances(self.features[:half], self.features, seed=seed)
        floor = {name: found[f"{name}_floor"] for name in ("fid", "kid")}
        spread = {f"{name}_std": found[f"{name}_floor_std"] for name in ("fid", "kid")}
        return Row("held-back eyes", shows, {"n": found["n"], **floor, **spread}, self.flaws)


def _reference(eyes: Tensor, extractor: Extractor) -> Reference:
    return Reference(features_of(extractor, eyes * 2 - 1), flaws(eyes[: len(eyes) // 2]))


def _representations(images: Tensor) -> list[Tensor]:
    """The images as they are, and with kinds united where they tell kinds."""
    return [images, images.amax(dim=1, keepdim=True)] if images.shape[1] == len(KINDS) else [images]


def _names(name: str) -> tuple[str, str]:
    return name, f"{name}, kinds united"


def _shows(images: Tensor) -> str:
    return _REPRESENTATION[images.shape[1]]


def table(rows: Sequence[Row]) -> str:
    """Markdown table of the rows, those of one representation together."""
    titles = ["loops", "fragments", "same-kind crossings", "empty", "A/V crossings"]
    lines = ["| method | shows | n | Frechet | kernel, 1/1000 | " + " | ".join(titles) + " | s a sample |"]
    lines.append("|---" * (len(titles) + 6) + "|")
    for shows in dict.fromkeys(row.shows for row in rows):
        for row in (one for one in rows if one.shows == shows):
            fid, kid = (
                f"{scale * row.distances[name]:.3g} ± {scale * row.distances[f'{name}_std']:.1g}"
                for name, scale in (("fid", 1), ("kid", 1000))
            )
            cells = [_cell(name, row.flaws) for name in FLAWS]
            seconds = "" if row.seconds is None else f"{row.seconds:.2g}"
            lines.append(
                f"| {row.name} | {shows} | {row.distances['n']} | {fid} | {kid} | {' | '.join(cells)} | {seconds} |"
            )
    return "\n".join(lines)


def _cell(name: str, found: Mapping[str, float]) -> str:
    if name not in found:
        return ""
    return f"{found[name]:.0%}" if name == "empty_share" else f"{found[name]:.3g}"
