"""From a study to its trainings: which rows, in which order, and a key that says all that decides a result."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from monai_fundusgen import __version__
from monai_fundusgen.conventions import FOV, IMAGE, LABEL, SEED, VESSEL
from monai_fundusgen.data.holdout import held_out
from monai_fundusgen.data.training_data import load_items
from monai_fundusgen.evaluation.study.config import Method, Part, Study, bundle_entries
from monai_fundusgen.storage.checksum import file_sha256
from monai_fundusgen.streams import stream

Item = dict[str, Any]

#: Key of an item that holds the hash of its files, so that what is kept of it is not taken for another's.
CONTENT: Final = "content"
_KEPT: Final = (IMAGE, LABEL, VESSEL, FOV, SEED)
_KEY_LENGTH: Final = 16


@dataclass(frozen=True)
class Training:
    """One training of a network.

    Attributes:
        method: network and options.
        seed: of the training.
        steps, epoch_steps, validate_every: as in `Study`.
        lists: rows by weight of their draws; (weight, items) each.
        validation: rows for the curve.
        first: the training whose weights this one starts from.
    """

    method: Method
    seed: int
    steps: int
    epoch_steps: int
    validate_every: int
    lists: tuple[tuple[float, tuple[Item, ...]], ...]
    validation: tuple[Item, ...]
    first: Training | None = None

    @cached_property
    def key(self) -> str:
        """Hash of all that decides the weights, wherever the files lie and whatever things are called."""
        return key_of({
            "version": __version__,
            "bundle": [self.method.bundle, bundle_entries(self.method.bundle, "train.yaml")],
            "options": self.method.options,
            "numbers": [self.seed, self.steps, self.epoch_steps, self.validate_every],
            "lists": [[weight, [item[CONTENT] for item in items]] for weight, items in self.lists],
            "validation": [item[CONTENT] for item in self.validation],
            "first": self.first.key if self.first else None,
        })  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A training with its place in the table."""

    arm: str
    method: str
    seed: int
    training: Training


@dataclass(frozen=True)
class Plan:
    """All trainings of a study, seed by seed, and what each is scored on.

    Attributes:
        entries: arm, method and seed of each; equal trainings of two arms are one.
        tests: rows of each test set.
        validation: rows that thresholds are chosen on.
    """

    entries: tuple[Entry, ...]
    tests: dict[str, tuple[Item, ...]]
    validation: tuple[Item, ...]

    def trainings(self) -> Iterator[Training]:
        """Every training once, seed by seed; of each seed first those that others start from."""
        found: dict[str, Training] = {}
        for seed in dict.fromkeys(entry.seed for entry in self.entries):
            own = [entry.training for entry in self.entries if entry.seed == seed]
            for training in (*(one.first for one in own if one.first), *own):
                found.setdefault(training.key, training)
        yield from found.values()

    def scoring_key(self, training: Training) -> str:
        """Hash of all that decides the scores of a training, its weights apart."""
        method = training.method
        return key_of({
            "files": [bundle_entries(method.bundle, file) for file in ("inference.yaml", "evaluate.yaml")],
            "scoring": method.scoring,
            "sets": {name: [item[CONTENT] for item in items] for name, items in self.tests.items()},
            "validation": [item[CONTENT] for item in self.validation],
        })  # fmt: skip


def key_of(content: Mapping[str, Any]) -> str:
    """Short hash of plain content, the same whatever the order of its entries."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:_KEY_LENGTH]


def subset(items: Sequence[Item], rows: int | None, seed: int) -> tuple[Item, ...]:
    """Rows drawn by seed, in the list's order; of one seed and list, fewer rows lie within more."""
    if rows is None:
        return tuple(items)
    chosen = sorted(stream(seed, "subset").permutation(len(items))[:rows].tolist())
    return tuple(items[place] for place in chosen)


def plan_of(study: Study) -> Plan:
    """Read the lists of a study and lay out its trainings.

    Raises:
        OSError: a list or files of it are missing; all are named.
        ValueError: rows without a label, or without kinds where a method needs them; more rows asked for than there
            are; a photograph that is tested on and trained on or validated on.
    """
    reader = _Reader(study)
    validation, held_back = reader.validation()
    tests = {name: reader.rows(part, f"tests: {name}") for name, part in study.tests.items()}
    _refuse_overlap(study, reader, tests, validation)
    entries = []
    for seed in study.seeds:
        for method in study.methods.values():
            for name in method.arms:
                arm = study.arms[name]
                training = _training(
                    study, method, seed, study.steps, _lists(reader, arm.data, name, seed, held_back), validation
                )
                if arm.first:
                    before = _lists(reader, arm.first, name, seed, held_back)
                    first = _training(study, method, seed, study.first_steps, before, validation)
                    training = _training(
                        study, method, seed, study.steps - study.first_steps, training.lists, validation, first
                    )
                entries.append(Entry(name, method.name, seed, training))
    return Plan(tuple(entries), tests, validation)


def _training(
    study: Study, method: Method, seed: int, steps: int, lists: Any, validation: Any, first: Any = None
) -> Training:
    return Training(method, seed, steps, study.epoch_steps, study.validate_every, lists, validation, first)


def _lists(
    reader: _Reader, parts: Sequence[Part], arm: str, seed: int, held_back: frozenset[str]
) -> tuple[tuple[float, tuple[Item, ...]], ...]:
    found = []
    for part in parts:
        items = [item for item in reader.section(part) if item[CONTENT] not in held_back]
        if part.rows is not None and part.rows > len(items):
            raise ValueError(
                f"arms: {arm}: {part.datalist}: found {part.rows} rows asked for, expected at most {len(items)}, which "
                f"its training part has (without rows held back for validation); ask for fewer, or all"
            )
        found.append((part.weight, subset(items, part.rows, seed)))
    return tuple(found)


class _Reader:
    """Rows of the lists of a study, each list read once, with the hash of their files."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self._read: dict[tuple[str, str], list[Item]] = {}
        with_kinds = [method for method in study.methods.values() if method.kinds]
        trained = {
            part.datalist for method in with_kinds for name in method.arms
            for part in (*study.arms[name].data, *study.arms[name].first)
        }  # fmt: skip
        tested = {part.datalist for part in (study.validation, *study.tests.values())} if with_kinds else set()
        self._kinds = trained | tested

    def section(self, part: Part) -> list[Item]:
        """All rows of a section."""
        place = (part.datalist, part.section)
        if place not in self._read:
            path = self.study.lists[part.datalist]
            found = load_items(path, part.section, kinds=part.datalist in self._kinds)
            self._read[place] = [_known(item) for item in found]
        return self._read[place]

    def rows(self, part: Part, where: str) -> tuple[Item, ...]:
        """The first rows of a section, or all."""
        items = self.section(part)
        if part.rows is not None and part.rows > len(items):
            raise ValueError(f"{where}: found {part.rows} rows asked for, expected at most {len(items)}; ask for fewer")
        return tuple(items[: part.rows])

    def validation(self) -> tuple[tuple[Item, ...], frozenset[str]]:
        """Rows to validate on; of a training part ``rows`` are held back, the same ones for every seed."""
        part = self.study.validation
        if part.section != "training":
            return self.rows(part, "validation"), frozenset()
        if part.rows is None:
            raise ValueError("validation: no 'rows'; say how many rows of the training part are held back")
        chosen = tuple(held_out(self.section(part), part.rows)[1])
        return chosen, frozenset(item[CONTENT] for item in chosen)


def _known(item: Mapping[str, Any]) -> Item:
    files = {key: item[key] for key in _KEPT if key in item}
    content = {key: file_sha256(value) if isinstance(value, (str, Path)) else value for key, value in files.items()}
    return {**files, CONTENT: f"{key_of({'': content.get(IMAGE, content.get(SEED))})}-{key_of(content)}"}


def _photograph(item: Item) -> str:
    """Hash of the photograph alone, whatever its labels."""
    return str(item[CONTENT]).split("-")[0]


def _refuse_overlap(
    study: Study, reader: _Reader, tests: Mapping[str, Sequence[Item]], validation: Sequence[Item]
) -> None:
    """Refuse a photograph that is tested on, and trained or validated on, in whichever file it lies."""
    parts = {part for arm in study.arms.values() for part in (*arm.data, *arm.first)}
    trained = {_photograph(item): part.datalist for part in parts for item in reader.section(part)}
    validated = {_photograph(item): "validation" for item in validation}
    apart = [(f"tests: {name}", item, trained | validated) for name, items in tests.items() for item in items]
    if study.validation.section != "training":
        apart += [("validation", item, trained) for item in validation]
    for where, item, taken in apart:
        if _photograph(item) in taken:
            raise ValueError(
                f"{where}: {item.get(IMAGE, item.get(SEED))} is in {taken[_photograph(item)]} too, which networks are "
                f"trained or validated on; take it out of one of them"
            )
