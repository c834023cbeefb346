"""The configuration of a study: what it holds, read and checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from monai_fundusgen.data.splitting import SECTIONS
from monai_fundusgen.evaluation.study.fields import Fields, nearest
from monai_fundusgen.weights.bundles import bundle as installed

#: Bundles that a study trains -> whether their labels must tell artery from vein.
BUNDLES: Final = {
    "fundus_av_unet": True, "fundus_av_hvgn": True, "fundus_vessel_ssanet": False, "fundus_vessel_rvgan": False,
}  # fmt: skip
#: Options of a bundle that the study itself sets.
_OWN: Final = {
    "datalist", "output_dir", "bundle_root", "seed", "max_epochs", "iterations_per_epoch", "val_interval", "weights",
    "num_phantoms", "num_validation", "section", "checkpoint", "max_minutes", "early_stop",
}  # fmt: skip
_ENTRIES: Final = (
    "name", "lists", "validation", "tests", "arms", "methods", "base", "seeds", "steps", "epoch_steps",
    "validate_every", "first_share", "notes",
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """Part of a datalist.

    Attributes:
        datalist: its name in the study.
        section: training, validation or testing.
        rows: how many of its rows; None: all.
        weight: of its draws, where several lists are trained on.
    """

    datalist: str
    section: str = "training"
    rows: int | None = None
    weight: float = 1.0


@dataclass(frozen=True)
class Arm:
    """What networks are trained on.

    Attributes:
        name: as it stands in the table.
        data: what is trained on, at last.
        first: what is trained on before that; empty: nothing.
        base: name of the arm that this one is compared with; None: with none.
    """

    name: str
    data: tuple[Part, ...]
    first: tuple[Part, ...] = ()
    base: str | None = None

    @property
    def lists(self) -> set[str]:
        """Names of the lists that it has rows of."""
        return {part.datalist for part in (*self.data, *self.first)}


@dataclass(frozen=True)
class Method:
    """A network and how it is trained.

    Attributes:
        name: as it stands in the table.
        bundle: name of its bundle.
        options: options of the bundle's ``train.yaml``; those that its ``inference.yaml`` has too go there as well.
        scoring: options of its ``inference.yaml`` and ``evaluate.yaml``.
        arms: names of the arms that it is trained in.
    """

    name: str
    bundle: str
    options: dict[str, Any]
    scoring: dict[str, Any]
    arms: tuple[str, ...]

    @property
    def kinds(self) -> bool:
        """Whether its labels must tell artery from vein."""
        return BUNDLES[self.bundle]

    @property
    def folder(self) -> Path:
        """Folder of its bundle."""
        return installed(self.bundle)


@dataclass(frozen=True)
class Study:
    """A study as configured.

    Attributes:
        name: its title.
        lists: datalists by name.
        validation: rows that no arm trains on, for curves and thresholds.
        tests: test sets by name.
        arms, methods: in the order of the table.
        seeds: of subsets and trainings.
        steps: of every training, both parts of it together.
        epoch_steps: steps between two checkpoints.
        validate_every: epochs between two validations.
        first_share: share of the steps that goes to what is trained on first.
        notes: sentences for the report.
    """

    name: str
    lists: dict[str, Path]
    validation: Part
    tests: dict[str, Part]
    arms: dict[str, Arm]
    methods: dict[str, Method]
    seeds: tuple[int, ...]
    steps: int
    epoch_steps: int
    validate_every: int
    first_share: float
    notes: str

    @property
    def first_steps(self) -> int:
        """Steps on what is trained on first, in whole epochs."""
        return max(round(self.steps * self.first_share / self.epoch_steps), 1) * self.epoch_steps


def read_study(path: str | Path, lists: Mapping[str, str] | None = None) -> Study:
    """Read a configuration, YAML or JSON.

    Args:
        path: the file; paths in it are relative to its folder.
        lists: paths of datalists that replace those of the file, by name.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no configuration of a study; the message says where, what was found, what was expected.
    """
    path = Path(path)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such configuration; docs/how-to/study.md shows one") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: neither YAML nor JSON ({' '.join(str(error).split())})") from error
    fields = Fields(str(path), content, _ENTRIES)
    found = _lists(fields, path.parent, lists or {})
    arms = _arms(fields, found)
    return Study(
        name=fields.text("name", path.stem),
        lists=found,
        validation=_section(Fields(f"{path}: validation", fields.take("validation"), _PART), found),
        tests={
            name: _section(Fields(f"{path}: tests: {name}", one, _PART), found, "testing")
            for name, one in _filled(fields, "tests").items()
        },
        arms=arms,
        methods=_methods(fields, arms),
        seeds=_seeds(fields),
        **_numbers(fields, any(arm.first for arm in arms.values())),
        notes=fields.text("notes", ""),
    )


_PART: Final = ("list", "section", "rows")


def _filled(fields: Fields, name: str) -> dict[str, Any]:
    found = fields.mapping(name)
    if not found:
        raise ValueError(f"{fields.where}: {name}: found none, expected at least one")
    return found


def _lists(fields: Fields, folder: Path, replaced: Mapping[str, str]) -> dict[str, Path]:
    told = _filled(fields, "lists")
    for name in replaced:
        if name not in told:
            raise ValueError(
                f"--list {name}: {fields.where} has no list of that name{nearest(name, told)}; it has {', '.join(told)}"
            )
    one = Fields(f"{fields.where}: lists", told)
    return {name: Path(replaced[name]) if name in replaced else folder / one.text(name) for name in told}


def _section(fields: Fields, lists: Mapping[str, Path], section: str = "training") -> Part:
    return Part(fields.one_of("list", lists), fields.one_of("section", SECTIONS, section), fields.whole("rows", None))


def _arms(fields: Fields, lists: Mapping[str, Path]) -> dict[str, Arm]:
    told = _filled(fields, "arms")
    base = fields.one_of("base", told, None)
    arms = {}
    for name, content in told.items():
        one = Fields(f"{fields.where}: arms: {name}", content, ("data", "first", "base"))
        own = one.one_of("base", told, None if base == name else base)
        if own == name:
            raise ValueError(f"{one.where}: base: found the arm itself, expected another, or no base")
        first = _parts(one, "first", lists) if "first" in one.content else ()
        arms[name] = Arm(name, _parts(one, "data", lists), first, own)
    return arms


def _parts(fields: Fields, name: str, lists: Mapping[str, Path]) -> tuple[Part, ...]:
    parts = []
    for datalist, told in _filled(fields, name).items():
        where = f"{fields.where}: {name}: {datalist}"
        if datalist not in lists:
            raise ValueError(f"{where}: no list of that name{nearest(datalist, lists)}; expected {', '.join(lists)}")
        rows = {} if told == "all" else told if isinstance(told, Mapping) else {"rows": told}
        one = Fields(where, rows, ("rows", "weight"))
        parts.append(Part(datalist, "training", one.whole("rows", None), float(one.weight("weight", 1.0))))
    return tuple(parts)


def _methods(fields: Fields, arms: Mapping[str, Arm]) -> dict[str, Method]:
    methods = {}
    for name, content in _filled(fields, "methods").items():
        one = Fields(f"{fields.where}: methods: {name}", content, ("bundle", "options", "scoring", "arms"))
        bundle = one.one_of("bundle", BUNDLES)
        chosen = one.take("arms", list(arms))
        if not isinstance(chosen, list) or not chosen:
            raise ValueError(f"{one.where}: arms: found {chosen!r}, expected a list of names of arms")
        for arm in chosen:
            if arm not in arms:
                raise ValueError(f"{one.where}: arms: no arm {arm!r}{nearest(arm, arms)}; expected {', '.join(arms)}")
        options, scoring = one.mapping("options", {}), one.mapping("scoring", {})
        _refuse_options(f"{one.where}: options", options, bundle, ("train.yaml",))
        _refuse_options(f"{one.where}: scoring", scoring, bundle, ("inference.yaml", "evaluate.yaml"))
        if "pretrained" in options and any(arms[arm].first for arm in chosen):
            raise ValueError(f"{one.where}: options: pretrained: some arms have a 'first' of their own; leave one out")
        methods[name] = Method(name, bundle, options, scoring, tuple(chosen))
    return methods


def _refuse_options(where: str, options: Mapping[str, Any], bundle: str, files: tuple[str, ...]) -> None:
    known = {name.lstrip("+") for file in files for name in bundle_entries(bundle, file)}
    for name in options:
        top = name.split("#")[0].split("::")[0]
        if top in _OWN:
            raise ValueError(f"{where}: {name}: the study sets this one itself; leave it out")
        if top not in known:
            raise ValueError(f"{where}: {name}: {bundle} has no option of that name{nearest(top, known)}")


@cache
def bundle_entries(bundle: str, file: str) -> dict[str, Any]:
    """Content of a configuration file of a bundle, as it stands there; read once, so change nothing in it."""
    content: dict[str, Any] = yaml.safe_load((installed(bundle) / "configs" / file).read_text(encoding="utf-8"))
    return content


def _seeds(fields: Fields) -> tuple[int, ...]:
    told = fields.take("seeds", [0, 1, 2])
    right = isinstance(told, list) and told and all(type(seed) is int and seed >= 0 for seed in told)
    if not right or len(set(told)) < len(told):
        raise ValueError(f"{fields.where}: seeds: found {told!r}, expected a list of different whole numbers from 0")
    return tuple(told)


def _numbers(fields: Fields, with_first: bool) -> dict[str, Any]:
    steps, epoch_steps = fields.whole("steps"), fields.whole("epoch_steps", 100)
    fewest = 2 * epoch_steps if with_first else epoch_steps
    if steps % epoch_steps or steps < fewest:
        raise ValueError(
            f"{fields.where}: steps: found {steps}, expected a multiple of epoch_steps ({epoch_steps}) from {fewest}"
        )
    every, share = fields.whole("validate_every", 1), fields.share("first_share", 0.5)
    if with_first and round(steps * share / epoch_steps) >= steps // epoch_steps:
        raise ValueError(
            f"{fields.where}: first_share: found {share}, which leaves no epoch of {epoch_steps} steps after"
        )
    return {"steps": steps, "epoch_steps": epoch_steps, "validate_every": every, "first_share": share}
