"""The card of a data set, for someone who has never heard of this program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from monai_fundusgen import __version__
from monai_fundusgen.dataset.provenance import versions
from monai_fundusgen.dataset.summary import SHOWN, Summary

_SIZES: Final = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_SOURCES: Final = {
    "phantom": "a procedural eye: arteries and veins grown by rule, without any photograph of a person",
    "ddpm": "a diffusion model of artery/vein masks, trained on 24 labels of HRF and on procedural eyes",
    "folder": "label maps that were given to the program; where they come from is not known here",
}
_OPTICS: Final = {
    "phantom": "the simulated optics of the procedural eye",
    "cascade": "a generator (pix2pixHD) and an enlarger (EDSR), trained on 24 photographs of HRF and procedural eyes",
}
_TRUTH: Final = {
    "phantom": "They are drawn from the vessel graph of the procedural eye, so they are exact.",
    "ddpm": "They are drawn from vessels traced in the sampled map; the photograph was painted after them.",
    "folder": "They are the maps that were given.",
}


def dataset_card(title: str, settings: Mapping[str, Any], summary: Summary) -> str:
    """README of a data set, with the metadata block that the Hugging Face hub reads.

    The table of criteria has the seven of the synthetic medical data scorecard (Zamzmi et al. 2025,
    doi:10.1038/s44172-025-00450-1): what was measured here is given, what was not is said.

    Args:
        title: of the data set.
        settings: of the run.
        summary: figures of its samples.
    """
    source, optics = str(settings.get("mask_source")), str(settings.get("photograph_source"))
    parts = [
        _metadata(title, summary),
        f"# {title}",
        _opening(settings, summary),
        "![Eight samples, each photograph above its label](contact_sheet.png)",
        _files(settings),
        _making(source, optics, settings),
        _figures(summary, gated=bool(settings.get("gate"))),
        _scorecard(source, summary),
        _use(),
        _licence(source, optics),
        _again(settings),
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _metadata(title: str, summary: Summary) -> str:
    size = next((name for limit, name in _SIZES if summary.num_samples < limit), "n>1M")
    return (
        f"---\npretty_name: {title}\nlicense: apache-2.0\ntask_categories:\n- image-segmentation\n"
        f"tags:\n- medical\n- ophthalmology\n- fundus\n- synthetic\nsize_categories:\n- {size}\n---"
    )


def _opening(settings: Mapping[str, Any], summary: Summary) -> str:
    size = settings.get("size", "?")
    return f"""
{summary.num_samples:,} computer-generated colour photographs of the back of the eye ({size} x {size} px), each with a
map that says for every pixel whether it shows an artery, a vein, both where they cross, or neither. **No photograph
shows a person's eye.** It is meant for training and testing programs that find and classify retinal vessels, for which
labelled photographs are scarce: tracing one takes an expert hours."""


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
| `datalist.json` | list for MONAI (`load_decathlon_datalist`); no split is made, all are `training` |
| `manifest.jsonl` | one line a sample: seed, anatomy, what made it, SHA-256 of its files |
| `run.json`, `summary.json` | settings of the run; figures and checksums |
| `croissant.json` | this description for machines |

`fundusgen verify` checks all of it."""


def _making(source: str, optics: str, settings: Mapping[str, Any]) -> str:
    lines = [
        "## How it was made",
        f"- **Vessels**: {_SOURCES.get(source, source)}.",
        f"- **Photographs**: {_OPTICS.get(optics, optics)}.",
        f"- **Labels**: {_TRUTH.get(source, '')}",
        f"- **Program**: monai_fundusgen {__version__}, "
        + ", ".join(f"{name} {found}" for name, found in versions().items() if name != "monai_fundusgen") + ".",
    ]  # fmt: skip
    stages = settings.get("stages") or {}
    lines += [f"- **Weights** of the {name} stage: SHA-256 `{one['weights']}`." for name, one in stages.items()]
    return "\n".join([lines[0], "", *lines[1:]])


def _figures(summary: Summary, *, gated: bool) -> str:
    rows = [
        f"| {SHOWN[name]} | " + " | ".join(f"{one:.3g}" for one in found) + " |"
        for name, found in summary.anatomy.items()
    ]
    gate = "No map was refused for its anatomy: no gate was asked for. "
    if gated:
        gate = (
            f"{summary.rejected_attempts:,} drawn maps were refused, because their anatomy lay outside the range of "
            f"real eyes; {summary.implausible:,} samples were kept although no attempt passed (`implausible` in the "
            "manifest). "
        )
    gate += f"{summary.warnings:,} samples carry a warning."
    return "\n".join(
        ["## Figures", "", "| measured on the labels | 5 % | median | 95 % |", "|---|---|---|---|", *rows, "", gate]
    )


def _scorecard(source: str, summary: Summary) -> str:
    learnt = source == "ddpm"
    anatomy = "maps outside the range of real eyes were drawn again" if learnt else "arteries and veins are trees"
    privacy = "the model saw 24 labels; this set was not compared with them" if learnt else "no person's vessels"
    return f"""
## Scorecard for synthetic medical data

| criterion | here |
|---|---|
| congruence (likeness to patients) | not measured for this set; figures of the generator: its model cards |
| coverage (variety) | percentiles above; eyes of both sides; no disease is modelled on purpose |
| constraint (plausible anatomy) | {anatomy} |
| completeness | all {summary.num_samples:,} samples have photograph, label and field of view |
| compliance (privacy) | {privacy} |
| comprehension | every sample's seed and settings are in the manifest; this card |
| consistency | the same command writes the same data set |"""


def _use() -> str:
    return """
## Use and limits

For research: to train, pre-train or stress vessel segmentation and artery/vein classification. Not for diagnosis, and
no proof of how a program does on patients: test on real photographs of the camera and the population that it is for.
One field of view, one retina model and few training photographs stand behind all samples; they lack lesions, media
opacity, and most of what tells cameras and people apart."""


def _licence(source: str, optics: str) -> str:
    learnt = "ddpm" in source or optics == "cascade"
    return "\n".join(
        [
            "## Licence",
            "",
            "Apache-2.0 for this data set."
            + (
                " The weights that made it were trained on photographs of HRF (Budai et al. 2013; CC BY 4.0 according "
                "to mirrors of its page) with artery/vein labels of Hemelings et al. 2019, which carry no licence of "
                "their own."
                if learnt
                else ""
            ),
        ]
    )


def _again(settings: Mapping[str, Any]) -> str:
    options = (
        f"-n {settings['num_samples']} --seed {settings.get('seed', 0)} --mask-source {settings.get('mask_source')}"
    )
    return f"""
## Made by

    fundusgen generate {options}

with the settings in `run.json`."""
