"""Cases in a training, a validation and a testing part; what belongs to one person stays together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from monai_fundusgen.data.cases import Case
from monai_fundusgen.data.layouts import SectionName

SECTIONS: Final[tuple[SectionName, ...]] = ("training", "validation", "testing")


def spread_by_person(cases: Sequence[Case], share: float, seed: int) -> set[str]:
    """A ``share`` of the persons, drawn evenly from every group; images of one person stay together."""
    if not 0 <= share < 1:
        raise ValueError(f"share {share}; expected at least 0 and below 1")
    order = shuffled_persons(cases, seed)
    count = round(share * len(order))
    if share > 0 and not 0 < count < len(order):
        raise ValueError(f"a share of {share} of {len(order)} persons is {count}; choose another share")
    return {order[int((place + 0.5) * len(order) / count)] for place in range(count)}


def shuffled_persons(cases: Sequence[Case], seed: int) -> list[str]:
    """Persons in random order, group after group, so that every n-th person is an even choice."""
    rng = np.random.default_rng(seed)  # as it was when the shipped weights were trained: no test person moves
    groups: dict[str, list[str]] = {}
    for case in sorted(cases, key=lambda case: (case.group, case.patient)):
        persons = groups.setdefault(case.group, [])
        if case.patient not in persons:
            persons.append(case.patient)
    order: list[str] = []
    for persons in groups.values():
        order += [persons[place] for place in rng.permutation(len(persons)) if persons[place] not in order]
    return order


def sections_by_person(
    cases: Sequence[Case], validation: float, testing: float, seed: int
) -> dict[SectionName, list[Case]]:
    """Cases by the part they fall in; persons are kept together.

    Args:
        cases: all in training, or in the parts that the set itself has.
        validation: share of the training persons that becomes the validation part.
        testing: share of all persons that becomes the testing part.
        seed: of both draws.

    Raises:
        ValueError: a share that is impossible, or of a part that is there already; a person in two parts.
    """
    sections: dict[SectionName, list[Case]] = {
        name: [case for case in cases if case.section == name] for name in SECTIONS
    }
    draws: tuple[tuple[SectionName, float, int], ...] = (
        ("testing", testing, seed),
        ("validation", validation, seed + 1),
    )
    for name, share, draw in draws:
        if share and sections[name]:
            raise ValueError(f"the set has its own {name} part ({len(sections[name])} cases); leave --{name} out")
        chosen = spread_by_person(sections["training"], share, draw) if share else set()
        sections[name] += [case for case in sections["training"] if case.patient in chosen]
        sections["training"] = [case for case in sections["training"] if case.patient not in chosen]
    _refuse_shared_persons(sections)
    return sections


def _refuse_shared_persons(sections: dict[SectionName, list[Case]]) -> None:
    home: dict[str, SectionName] = {}
    for name, cases in sections.items():
        for case in cases:
            if home.setdefault(case.patient, name) != name:
                raise ValueError(
                    f"person {case.patient} is in {home[case.patient]} and in {name}; a person may be in one part only"
                )
