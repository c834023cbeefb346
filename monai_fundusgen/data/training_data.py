"""What is trained on and what is held back: one datalist, several with weights, phantom eyes, or all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from monai_fundusgen.conventions import LABEL, SEED, VESSEL
from monai_fundusgen.data.draws import source_weights
from monai_fundusgen.data.holdout import held_out
from monai_fundusgen.data.items import phantom_items
from monai_fundusgen.data.loading import has_items, load_datalist

_FIRST_VALIDATION_SEED = 1_000_000

Datalists = str | Path | Sequence[str] | Mapping[str, float]


class TrainingData(NamedTuple):
    """Items and how often each is drawn, and the items held back.

    Attributes:
        training: items of all lists, then phantom eyes.
        weights: of each training item.
        validation: items that are never trained on.
    """

    training: list[dict[str, Any]]
    weights: list[float]
    validation: list[dict[str, Any]]

    @property
    def num_real(self) -> int:
        """How many of the training items are photographs; they come first."""
        return sum(SEED not in item for item in self.training)


def datalist_weights(datalist: Datalists | None) -> dict[str, float]:
    """Path to weight, of one path, of a list of paths (equal weights), or of a mapping, which is copied.

    Raises:
        ValueError: no path at all, or a weight that is not above 0.
    """
    if datalist is None:
        return {}
    if isinstance(datalist, (str, Path)):
        return {str(datalist): 1.0}
    lists = dict(datalist) if isinstance(datalist, Mapping) else dict.fromkeys(datalist, 1.0)
    wrong = {path: weight for path, weight in lists.items() if not (isinstance(weight, (int, float)) and weight > 0)}
    if wrong or not lists:
        raise ValueError(
            f"datalist: found {wrong or 'nothing'}; expected a path, or paths with weights above 0, for instance "
            f"{{'real.json': 1, 'synthetic.json': 2}}"
        )
    return {str(path): float(weight) for path, weight in lists.items()}


def datalist_folder(datalist: Datalists | None, otherwise: str) -> str:
    """Folder of the (first) datalist, or ``otherwise`` where there is none."""
    paths = list(datalist_weights(datalist))
    return str(Path(paths[0]).parent) if paths else otherwise


def datalist_names(datalist: Datalists | None) -> dict[str, float]:
    """File name to weight, for a record that must not tell where on a machine the files were."""
    return {Path(path).name: weight for path, weight in datalist_weights(datalist).items()}


def load_items(
    datalist: Datalists, section: str, *, kinds: bool = False, labelled: bool = True
) -> list[dict[str, Any]]:
    """Items of one section of all lists that have it.

    Args:
        datalist: one list or several.
        section: training, validation or testing.
        kinds: the labels must tell artery from vein; else a vessel map will do.
        labelled: every item must have a label; False: photographs alone will do.

    Raises:
        FileNotFoundError, OSError: as `load_datalist`.
        ValueError: an item without a label, or one without kinds where they are needed.
    """
    items = []
    for path in datalist_weights(datalist):
        found = load_datalist(path, section, needs=(LABEL,) if kinds else ())
        for place, item in enumerate(found):
            if labelled and not {LABEL, VESSEL, SEED} & set(item):
                raise ValueError(
                    f"{path}: item {place} of {section} has no label; it has {', '.join(sorted(item))}; give every "
                    f"item a 'label', or a 'vessel' map"
                )
        items += found
    return items


def training_data(
    datalist: Datalists | None,
    *,
    kinds: bool = False,
    labelled: bool = True,
    num_phantoms: int = 0,
    phantom_share: float = 0.5,
    num_validation: int = 4,
    seed: int = 0,
) -> TrainingData:
    """Items to train on, from lists and phantom eyes, and items to validate on.

    Validated is on the validation sections of the lists; where no list has any, ``num_validation`` training items of
    the first list are held back. Without a list they are phantom eyes that are not trained on.

    Args:
        datalist: one list, several, or several with weights: of draws, not of items, so two lists of weight 1 are drawn
            from equally often however long they are.
        kinds: the labels must tell artery from vein.
        labelled: every item must have a label; False: photographs alone will do.
        num_phantoms: phantom eyes to train on.
        phantom_share: share of the draws that are phantoms, where there are lists too.
        num_validation: items to hold back.
        seed: of the choice.

    Raises:
        ValueError: nothing to train on or to validate on, see also `load_items`.
    """
    lists = datalist_weights(datalist)
    training = {path: load_items(path, "training", kinds=kinds, labelled=labelled) for path in lists}
    validation = _validation_items(lists, kinds, labelled)
    if not lists:
        validation = list(phantom_items(num_validation, _FIRST_VALIDATION_SEED))
    elif not validation:
        first = next(iter(lists))
        training[first], validation = held_out(training[first], num_validation, seed)
    if not validation:
        raise ValueError("nothing to validate on: num_validation is 0 and no datalist has a validation section")
    items = [item for found in training.values() for item in found]
    total = sum(lists.values())
    shares = [lists[path] / total / len(found) for path, found in training.items() for _ in found]
    of_sources = source_weights(len(items), num_phantoms, phantom_share)
    real = sum(of_sources[: len(items)])
    weights = [share * real for share in shares] + of_sources[len(items) :]
    return TrainingData([*items, *phantom_items(num_phantoms)], weights, validation)


def _validation_items(lists: Mapping[str, float], kinds: bool, labelled: bool) -> list[dict[str, Any]]:
    """Items of all validation sections; a list without such a section has none."""
    items = []
    for path in lists:
        if has_items(path, "validation"):
            items += load_items(path, "validation", kinds=kinds, labelled=labelled)
    return items
