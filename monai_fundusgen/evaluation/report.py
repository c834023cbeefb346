"""Compare a data set with real eyes, and write what is found: ``report.json`` and one page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen import __version__
from monai_fundusgen.conventions import IMAGE, TOOL
from monai_fundusgen.data.loading import has_items, load_datalist
from monai_fundusgen.dataset.completion import renew_card
from monai_fundusgen.dataset.evaluation_note import write_note
from monai_fundusgen.dataset.manifest import MANIFEST, records
from monai_fundusgen.dataset.summary import summarise
from monai_fundusgen.evaluation.fidelity import (
    OTHER,
    PHANTOM,
    REAL,
    SYNTHETIC,
    FigureComparison,
    compare_figures,
    feature_distances,
)
from monai_fundusgen.evaluation.judged_section import judged_section, judged_sentence
from monai_fundusgen.evaluation.measurements import ANATOMY, PHOTOGRAPH, Measurements, Measuring, Progress, measured
from monai_fundusgen.evaluation.membership import membership
from monai_fundusgen.evaluation.page import page
from monai_fundusgen.evaluation.pictures import map_colours, sheet, side_by_side
from monai_fundusgen.evaluation.populations import DatalistEyes, DatasetEyes, Population, phantom_eyes
from monai_fundusgen.evaluation.privacy import (
    COLUMNS,
    closest_pairs,
    map_likeness,
    map_preference,
    map_privacy,
    photograph_privacy,
)
from monai_fundusgen.evaluation.report_file import (
    CACHE,
    PAGE,
    REPORT,
    SCHEMA,
    SCHEMA_VERSION,
    plain,
    refuse_other_output,
)
from monai_fundusgen.evaluation.verdict import verdict
from monai_fundusgen.inferers.field import FIELD_RANGE_DEG
from monai_fundusgen.metrics.features import VESSELS, extractor_name, open_extractor
from monai_fundusgen.metrics.functional.privacy import enough_records
from monai_fundusgen.storage.picture_file import data_url
from monai_fundusgen.storage.whole_file import write_json, write_whole
from monai_fundusgen.weights.device import usable_device

#: Sections of a datalist, the one that real eyes are taken from first.
SECTIONS: Final = ("testing", "validation", "training")

_CHECKED: Final = 64  # eyes of each population whose files are read before anything is written
_ON_SHEET: Final = 8
_SHEET_SIDE: Final = 512  # px; pictures on a sheet are smaller
_SMALLEST: Final = 64  # px
_HRF_FIELD: Final = (60.0, 0.716)


@dataclass(frozen=True)
class Evaluation:
    """What is compared with what.

    Attributes:
        dataset: folder of a finished data set, or a datalist of any other generator's photographs.
        real: datalist of real eyes.
        output: folder of the report.
        section: of the datalist, the eyes that the comparison is with; None: the first of `SECTIONS` that has any. Its
            training eyes, where they are not these, are the second real sample and the gallery for copies.
        size: px that all eyes are squared to; None: the data set's own, at most 1024.
        features: see `metrics.features.open_extractor`.
        field_deg: visual angle of the real cameras; None: unknown, so that calibres in um are left out.
        phantoms: procedural eyes beside; None: 24, or none where the data set itself is of phantoms.
        limit: eyes of the data set that are looked at, evenly over all; None: all.
        seed: of subsets and bootstrap.
        device: where networks run.
        card: take the verdict over into the card of the data set.
        membership: bundle of the mask model whose loss on training and held-out maps is to be compared; None: none.
        judged: eyes of each sample that a network trained on real photographs reads, evenly over all; 0: none.
    """

    dataset: Path
    real: Path
    output: Path
    section: str | None = None
    size: int | None = None
    features: str = VESSELS
    field_deg: float | None = None
    phantoms: int | None = None
    limit: int | None = None
    seed: int = 0
    device: str = "cpu"
    card: bool = True
    membership: Path | None = None
    judged: int = 12


@dataclass
class _Samples:
    """Populations and their measurements by name."""

    eyes: dict[str, Population] = field(default_factory=dict)
    rows: dict[str, Measurements] = field(default_factory=dict)


def evaluate(asked: Evaluation, progress: Progress = lambda places, _, __: places) -> dict[str, Any]:
    """Write the report of a data set; what was measured by an earlier run is not measured again.

    Args:
        asked: what is compared.
        progress: wraps the eyes of each pass.

    Returns:
        Content of ``report.json``, see docs/reference/report.md.

    Raises:
        OSError, ValueError: something cannot be compared; nothing is written where that shows before the first eye is
            measured.
    """
    refuse_other_output(asked.output)
    _refuse_impossible(asked)
    extractor, device = open_extractor(asked.features, asked.device), usable_device(asked.device)
    eyes = _populations(asked)
    for population in eyes.values():
        for place in range(min(len(population), _CHECKED)):
            population.check(place)
    measuring = Measuring(_size(asked, eyes[SYNTHETIC]), extractor, device)
    cache = asked.output / CACHE
    samples = _Samples(eyes, {name: measured(one, measuring, cache, progress) for name, one in eyes.items()})
    figures = _figures(samples, asked.seed)
    features = {
        "extractor": extractor_name(measuring.extractor),
        **feature_distances(samples.rows, "features", asked.seed),
        "control": feature_distances(samples.rows, "control", asked.seed),
    }
    privacy, pairs = _privacy(samples, cache, progress, asked.seed)
    privacy["membership"] = _membership(asked, eyes, cache, progress)
    judged = judged_section(eyes, asked.judged, cache, progress, device)
    told = verdict(figures, features, privacy, {name: len(one) for name, one in samples.rows.items()})
    if judged is not None:
        told.sentences.append(judged_sentence(judged))
    content = plain({
        "schema": SCHEMA, "schema_version": SCHEMA_VERSION, "tool": TOOL, "tool_version": __version__,
        "settings": _settings(asked, measuring.size),
        "samples": {name: {"title": one.title, "eyes": len(one), "with_maps": one.with_maps}
                    for name, one in samples.rows.items()},
        "verdict": asdict(told),
        "features": features,
        "figures": {name: one.plain() for name, one in figures.items()},
        "judged": judged,
        "gate": _gate(eyes[SYNTHETIC]),
        "privacy": privacy,
    })  # fmt: skip
    pictures = {"sheets": _sheets(samples.eyes, measuring.size), "pairs": pairs}
    write_whole(asked.output / PAGE, page(content, _values(samples.rows), pictures).encode())
    write_json(asked.output / REPORT, content)
    if asked.card and isinstance(eyes[SYNTHETIC], DatasetEyes):
        write_note(asked.dataset, asked.output / PAGE, told.sentences, told.copies, told.warnings)
        renew_card(asked.dataset)
    return content


def _refuse_impossible(asked: Evaluation) -> None:
    low, high = FIELD_RANGE_DEG
    if asked.field_deg is not None and not low <= asked.field_deg <= high:
        raise ValueError(f"--field-deg: found {asked.field_deg:g}, expected {low:g} to {high:g} degrees")
    for option, found, least in (
        ("--limit", asked.limit, 2),
        ("--phantoms", asked.phantoms, 0),
        ("--judged", asked.judged, 0),
    ):
        if found is not None and found < least:
            raise ValueError(f"{option}: found {found}, expected at least {least}")
    if asked.size is not None and asked.size < _SMALLEST:
        raise ValueError(
            f"--size: found {asked.size} px, expected at least {_SMALLEST}; thin vessels need 512 and more"
        )


def _populations(asked: Evaluation) -> dict[str, Population]:
    """Real eyes first, so that a bad one is told before long work."""
    synthetic = _synthetic(asked.dataset)
    section = asked.section or next((name for name in SECTIONS if has_items(asked.real, name)), SECTIONS[-1])
    items = load_datalist(asked.real, section)
    _refuse_same(asked, synthetic, items)
    real = DatalistEyes(REAL, f"real: {asked.real.stem}, {section}", items, field_deg=asked.field_deg)
    found: dict[str, Population] = {REAL: real}
    if section != "training" and has_items(asked.real, "training"):
        others = load_datalist(asked.real, "training")
        found[OTHER] = DatalistEyes(
            OTHER, f"other real: {asked.real.stem}, training", others, field_deg=asked.field_deg
        )
    if asked.membership is not None and OTHER not in found:
        raise ValueError(
            f"--membership: found no training section in {asked.real} beside {section}, expected the eyes that the "
            "model was trained with and others; make the datalist with fundusgen datalist --testing 0.2"
        )
    synthetic.thin(asked.limit)
    found[SYNTHETIC] = synthetic
    phantoms = _phantoms(asked, synthetic)
    if phantoms is not None:
        found[PHANTOM] = phantoms
    for name in (REAL, SYNTHETIC):
        if len(found[name]) < 2:
            raise ValueError(
                f"{asked.real if name == REAL else asked.dataset}: found {len(found[name])} eye, expected at least 2; "
                "one eye has no distribution"
            )
    return found


def _synthetic(place: Path) -> Population:
    if place.is_file():
        section = next((name for name in ("training", "testing") if has_items(place, name)), "training")
        return DatalistEyes(SYNTHETIC, f"synthetic: {place.stem}", load_datalist(place, section))
    if not place.exists():
        raise FileNotFoundError(f"{place}: not there; give the folder of a finished data set, or a datalist")
    return DatasetEyes(place)


def _refuse_same(asked: Evaluation, synthetic: Population, items: Iterable[Mapping[str, Any]]) -> None:
    """Real eyes that are the synthetic ones would make every distance 0."""
    real = {Path(item[IMAGE]).resolve() for item in items if IMAGE in item}
    root = asked.dataset.resolve()
    mine = {Path(item[IMAGE]).resolve() for item in getattr(synthetic, "items", ()) if IMAGE in item}
    same = [path for path in real if path in mine or (root.is_dir() and root in path.parents)]
    if same:
        raise ValueError(
            f"{asked.real}: {len(same)} of its photographs are those of {asked.dataset}, for instance "
            f"{min(same).name}; real and synthetic eyes are the same; expected a datalist of real eyes (--real)"
        )


def _phantoms(asked: Evaluation, synthetic: Population) -> Population | None:
    settings = getattr(synthetic, "settings", {})
    is_phantom = settings.get("mask_source") == "phantom" and settings.get("photograph_source") == "phantom"
    count = asked.phantoms if asked.phantoms is not None else 0 if is_phantom else 24
    field_deg = float(settings.get("field_deg") or _HRF_FIELD[0])
    cut = float(settings.get("field_cut") or (_HRF_FIELD[1] if field_deg == _HRF_FIELD[0] else 1.0))
    return phantom_eyes(count, field_deg, cut) if count else None


def _size(asked: Evaluation, synthetic: Population) -> int:
    own = int(getattr(synthetic, "settings", {}).get("size") or 1024)
    return min(own, 1024) if asked.size is None else asked.size


def _settings(asked: Evaluation, size: int) -> dict[str, Any]:
    """Names of files, no places: a report may be given away."""
    return {
        "dataset": asked.dataset.name, "real": asked.real.name, "section": asked.section, "size": size,
        "features": asked.features, "field_deg": asked.field_deg, "phantoms": asked.phantoms, "limit": asked.limit,
        "seed": asked.seed, "membership": asked.membership and asked.membership.name, "judged": asked.judged,
    }  # fmt: skip


def _figures(samples: _Samples, seed: int) -> dict[str, FigureComparison]:
    found = {}
    for prefix in (PHOTOGRAPH, ANATOMY):
        for name, one in compare_figures(samples.rows, prefix, seed).items():
            found[prefix + name] = one
    return found


def _values(rows: Mapping[str, Measurements]) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Finite values of every figure, by figure and sample, for the drawings."""
    found: dict[str, dict[str, NDArray[np.float64]]] = {}
    for name, one in rows.items():
        for figure, values in one.figures("").items():
            found.setdefault(figure, {})[name] = values[np.isfinite(values)]
    return found


def _gate(synthetic: Population) -> dict[str, Any] | None:
    """What the gate of the run refused; None for what is no data set of this program, or had no gate."""
    if not isinstance(synthetic, DatasetEyes) or not synthetic.settings.get("gate"):
        return None
    summary = summarise(records(synthetic.root / MANIFEST))
    return {
        "samples": summary.num_samples, "refused_maps": summary.rejected_attempts, "redrawn": summary.redrawn,
        "kept_implausible": summary.implausible, "warnings": summary.warnings,
    }  # fmt: skip


def _privacy(
    samples: _Samples, cache: Path, progress: Progress, seed: int
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The section on copies, and its gallery; training eyes are the second real sample, or the only one."""
    rows = samples.rows
    training = rows.get(OTHER, rows[REAL])
    held_out = rows[REAL] if OTHER in rows else None
    found: dict[str, Any] = {"training": training.title, "maps": None}
    found["photographs"] = photograph_privacy(rows[SYNTHETIC], training, held_out, seed)
    if training.with_maps < 2 or not rows[SYNTHETIC].with_maps:
        return found, []
    tables = {
        SYNTHETIC: map_likeness(rows[SYNTHETIC], training, cache, progress),
        "training": map_likeness(training, training, cache, progress, own=True),
    }
    if held_out is not None and held_out.with_maps:
        tables["held_out"] = map_likeness(held_out, training, cache, progress)
    found["maps"] = {"searched": len(tables[SYNTHETIC]), **map_privacy(tables), "preference": None}
    if held_out is not None and enough_records(training.with_maps, held_out.with_maps):
        found["maps"]["preference"] = map_preference(rows[SYNTHETIC], training, held_out, cache, progress, seed)
    return found, _pairs(samples, training.name, tables[SYNTHETIC])


def _membership(
    asked: Evaluation, eyes: Mapping[str, Population], cache: Path, progress: Progress
) -> dict[str, Any] | None:
    if asked.membership is None:
        return None
    return membership(asked.membership, eyes[OTHER], eyes[REAL], cache, progress, device=asked.device, seed=asked.seed)


def _pairs(samples: _Samples, training: str, table: NDArray[np.float64]) -> list[dict[str, Any]]:
    """The maps most like a training map, as pictures: the synthetic one, then the training one."""
    maps = {
        name: [
            place for place, has in enumerate(np.concatenate([p["mapped"] for p in samples.rows[name].parts()])) if has
        ]
        for name in (SYNTHETIC, training)
    }
    pairs = []
    for place in closest_pairs(table):
        row = dict(zip(COLUMNS, table[place].tolist(), strict=True))
        if row["index"] < 0:
            continue
        mine, theirs = maps[SYNTHETIC][place], maps[training][int(row["index"])]
        shown = []
        for name, where in ((SYNTHETIC, mine), (training, theirs)):
            vessels = samples.eyes[name].eye(where, 256).vessels
            assert vessels is not None
            shown.append(map_colours(vessels))
        if row["flipped"]:
            shown[1] = shown[1][:, ::-1]
        pairs.append({
            "url": data_url(side_by_side(shown)), "dice": row["dice"], "cl_dice": row["cl_dice"],
            "synthetic": samples.eyes[SYNTHETIC].ids[mine], "training": samples.eyes[training].ids[theirs],
        })  # fmt: skip
    return pairs


def _sheets(eyes: Mapping[str, Population], size: int) -> dict[str, str]:
    found = {}
    for name in (SYNTHETIC, REAL, PHANTOM):
        if name in eyes:
            places = np.linspace(0, len(eyes[name]) - 1, min(_ON_SHEET, len(eyes[name]))).round().astype(int)
            found[name] = data_url(sheet([eyes[name].eye(int(place), min(size, _SHEET_SIDE)) for place in places]))
    return found
