"""The card of a data set, for someone who has never heard of this program."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any, Final

from monai_fundusgen import __version__
from monai_fundusgen.dataset.evaluation_note import EvaluationNote
from monai_fundusgen.dataset.origin import Origin
from monai_fundusgen.dataset.summary import SHOWN, Summary
from monai_fundusgen.versions import versions

_SIZES: Final = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
#: Settings that are options of the verb, and those that are options of the bundle.
_OPTIONS: Final = ("seed", "mask_source", "mask_folder", "photograph_source", "style", "shard_size")
_BUNDLE_OPTIONS: Final = (
    "size", "field_deg", "field_cut", "laterality", "target_density", "target_avr", "fit", "artefacts", "map_batch",
    "max_attempts",
)  # fmt: skip


def dataset_card(title: str, settings: Mapping[str, Any], summary: Summary, note: EvaluationNote | None = None) -> str:
    """README of a data set, with the metadata block that the Hugging Face hub reads.

    The table of criteria has the seven of the synthetic medical data scorecard (Zamzmi et al. 2025,
    doi:10.1038/s44172-025-00450-1): what was measured here is given, what was not is said.

    Args:
        title: of the data set.
        settings: of the run.
        summary: figures of its samples.
        note: what an evaluation found, where there was one.
    """
    origin = Origin(settings)
    parts = [
        _metadata(title, summary, origin),
        f"# {title}",
        _opening(origin, summary),
        "![The first samples, each photograph above its label](contact_sheet.png)",
        _files(settings),
        _making(origin),
        _figures(summary, gated=bool(settings.get("gate"))),
        *([_beside_real_eyes(note)] if note else []),
        _scorecard(origin, summary, note),
        _use(origin),
        "\n".join(["## Licence", "", *origin.terms()]),
        _again(settings),
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _metadata(title: str, summary: Summary, origin: Origin) -> str:
    size = next((name for limit, name in _SIZES if summary.num_samples < limit), "n>1M")
    return (
        f"---\npretty_name: {title}\nlicense: {'apache-2.0' if origin.open_licence else 'unknown'}\n"
        "task_categories:\n- image-segmentation\n"
        f"tags:\n- medical\n- ophthalmology\n- fundus\n- synthetic\nsize_categories:\n- {size}\n---"
    )


def _opening(origin: Origin, summary: Summary) -> str:
    size = origin.settings.get("size", "?")
    return f"""
{summary.num_samples:,} computer-generated colour photographs of the back of the eye ({size} x {size} px), each with a
map that says for every pixel whether it shows an artery, a vein, both where they cross, or neither.
**{origin.people()}**
It is meant for training and testing programs that find and classify retinal vessels, for which labelled photographs are
scarce: tracing one takes an expert hours."""


def _files(settings: Mapping[str, Any]) -> str:
    shard = settings.get("shard_size")
    where = f"Samples lie in folders of {shard:,}: `shard-00000/` and so on. " if shard else ""
    return f"""
## Files

{where}A sample has the same name in every folder.

| file | content |
|---|---|
| `images/<id>.png` | photograph, RGB, black outside the field of view |
| `labels/<id>.png` | 0 background, 1 artery, 2 vein, 3 crossing |
| `av/<id>.png` | the same to look at: red artery, blue vein, green crossing |
| `fov/<id>.png` | field of view, 255 inside |
| `graphs/<id>.npz` | disc, fovea, field, vessel graph and crossings as arrays of numbers (`numpy.load`) |
| `datalist.json` | list for MONAI (`load_decathlon_datalist`); all are `training`, in five folds |
| `manifest.jsonl` | one line a sample: seed, anatomy, what made it, SHA-256 of its files |
| `run.json`, `summary.json` | settings of the run; figures and checksums |
| `croissant.json` | this description for machines |

`fundusgen verify` checks all of it."""


def _making(origin: Origin) -> str:
    packages = ", ".join(f"{name} {found}" for name, found in versions().items() if name != "monai_fundusgen")
    lines = [
        f"- **Vessels**: {origin.vessels()}.",
        f"- **Photographs**: {origin.photographs()}.",
        f"- **Labels**: {origin.labels()}",
        f"- **Modality** that is imitated: {origin.modality()}.",
        f"- **Program**: monai_fundusgen {__version__}, {packages}.",
    ]
    lines += [
        f"- **Weights** of the {name} stage: SHA-256 `{one.get('weights', 'unknown')}`."
        for name, one in origin.learnt().items()
    ]
    return "\n".join(["## How it was made", "", *lines])


def _figures(summary: Summary, *, gated: bool) -> str:
    rows = [
        f"| {SHOWN[name]} | " + " | ".join(f"{one:.3g}" for one in found) + " |"
        for name, found in summary.anatomy.items()
    ]
    gate = "No map was refused for its anatomy: no gate was asked for. "
    if gated:
        gate = (
            f"{summary.rejected_attempts:,} maps were refused, because their anatomy lay outside the range of "
            f"real eyes; {summary.implausible:,} samples were kept although no attempt passed (`implausible` in the "
            "manifest). "
        )
    gate += f"{summary.warnings:,} samples carry a warning."
    return "\n".join(
        ["## Figures", "", "| measured on the labels | 5 % | median | 95 % |", "|---|---|---|---|", *rows, "", gate]
    )


def _beside_real_eyes(note: EvaluationNote) -> str:
    lines = [f"- {one}" for one in (*note.likeness, *note.copies, *note.warnings)]
    return "\n".join(["## Beside real eyes", "", *lines, "", f"All figures: [the report]({note.report})."])


def _scorecard(origin: Origin, summary: Summary, note: EvaluationNote | None) -> str:
    likeness = "not measured for this set" if note is None else " ".join(note.likeness)
    copies = () if note is None else note.copies
    return f"""
## Scorecard for synthetic medical data

| criterion | here |
|---|---|
| congruence (likeness to patients) | {likeness} |
| coverage (variety) | percentiles above; {origin.coverage()}; no disease is modelled on purpose |
| constraint (plausible anatomy) | {origin.plausibility(summary.implausible)} |
| completeness | all {summary.num_samples:,} samples have photograph, label and field of view |
| compliance (privacy) | {origin.privacy(copies)} |
| comprehension | every sample's seed and settings are in the manifest; this card |
| consistency | the same command with the same versions writes the same data set |"""


def _use(origin: Origin) -> str:
    return f"""
## Use and limits

For research: to train, pre-train or stress vessel segmentation and artery/vein classification. Not for diagnosis, and
no proof of how a program does on patients: test on real photographs of the camera and the population that it is for.
{origin.limits()}; they lack lesions, media opacity, and most of what tells cameras and people apart."""


def _again(settings: Mapping[str, Any]) -> str:
    words = ["fundusgen", "generate", "-n", str(settings.get("num_samples", "?")), "-o", "FOLDER"]
    for name in _OPTIONS:
        if settings.get(name) is not None:
            words += [f"--{name.replace('_', '-')}", str(settings[name])]
    words.append("--gate" if settings.get("gate") else "--no-gate")
    for name in _BUNDLE_OPTIONS if settings.get("gate") else _BUNDLE_OPTIONS[:-1]:
        if settings.get(name) not in (None, False):
            words += ["--option", f"{name}={settings[name]}"]
    return f"""
## Made by

    {shlex.join(words)}

with {"the weights named above and " if settings.get("stages") else ""}the settings in `run.json`."""
