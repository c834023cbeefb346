"""A reading study on disk: its pictures, its readers, and the key that says where each picture came from."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from monai_fundusgen.apps.web.tokens import owner_of
from monai_fundusgen.storage.contained import contained
from monai_fundusgen.storage.whole_file import write_json

#: Files and folders of a study.
KEY, TOKENS, PICTURES, ANSWERS, CHECK = "study.json", "tokens.csv", "pictures", "answers.sqlite", "leak_check.csv"
FORMAT: Final = "fundusgen reading study 1"


@dataclass(frozen=True)
class Trial:
    """A picture before a reader.

    Attributes:
        id: opaque, different for each reader and picture; all that a browser gets to know.
        picture: opaque name of the picture's file.
        practice: whether the answer does not count.
    """

    id: str
    picture: str
    practice: bool


@dataclass(frozen=True)
class Reader:
    """A reader: name, SHA-256 of the token in hexadecimal, and all trials in their order, practice first."""

    name: str
    token_sha256: str
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class Picture:
    """Where a picture came from: its arm, and the file that it was made of."""

    arm: str
    source: str


@dataclass(frozen=True)
class Study:
    """A study with its key; only `Trial.id`, title and numbers of it may reach a reader.

    Attributes:
        id: opaque.
        title: what readers see above.
        tell_share: whether readers are told how many pictures are real.
        arms: by name, whether it is real; in the order of the plan.
        pictures: by their opaque names.
        readers: in the order of the plan.
    """

    id: str
    title: str
    tell_share: bool
    arms: Mapping[str, bool]
    pictures: Mapping[str, Picture]
    readers: tuple[Reader, ...]

    def reader(self, name: str) -> Reader:
        """The reader of a name.

        Raises:
            ValueError: there is none.
        """
        for reader in self.readers:
            if reader.name == name:
                return reader
        known = ", ".join(reader.name for reader in self.readers)
        raise ValueError(f"reader: found {name!r}, expected one of this study's: {known}")

    def reader_of(self, token: str) -> Reader | None:
        """Whose token it is; every reader's is compared, each in constant time."""
        name = owner_of(token, {reader.name: reader.token_sha256 for reader in self.readers})
        return None if name is None else self.reader(name)

    def is_real(self, trial: Trial) -> bool:
        """Whether the picture of a trial shows a real eye."""
        return self.arms[self.pictures[trial.picture].arm]

    def share(self) -> dict[str, int] | None:
        """Numbers of real pictures and of all that count, where readers are told; else None."""
        if not self.tell_share:
            return None
        counted = [trial for trial in self.readers[0].trials if not trial.practice]
        return {"real": sum(self.is_real(trial) for trial in counted), "all": len(counted)}


def write_study(folder: Path, study: Study) -> None:
    """Write the key of a study."""
    write_json(folder / KEY, {"format": FORMAT, **asdict(study)})


def read_study(folder: Path) -> Study:
    """Read the key of a study.

    Raises:
        FileNotFoundError: no study there.
        ValueError: the key is damaged, or of another program.
    """
    path = folder / KEY
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if told["format"] != FORMAT:
            raise ValueError(f"format {told['format']!r}")
        return _study(told)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(
            f"{path}: missing; give the folder of a study, which fundusgen turing build makes"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: found {error}, expected the key of a study ({FORMAT}); build it again") from error


def _study(told: Mapping[str, Any]) -> Study:
    readers = tuple(
        Reader(each["name"], each["token_sha256"], tuple(Trial(**trial) for trial in each["trials"]))
        for each in told["readers"]
    )
    pictures = {name: Picture(**picture) for name, picture in told["pictures"].items()}
    return Study(told["id"], told["title"], told["tell_share"], told["arms"], pictures, readers)


def picture_path(folder: Path, trial: Trial) -> Path:
    """File of a trial's picture.

    Raises:
        FileNotFoundError, ValueError: missing, or no plain file.
    """
    return contained(folder, f"{PICTURES}/{trial.picture}.png")


def read_check(folder: Path) -> list[dict[str, str]]:
    """Rows of the leak check of a study; empty where its file was taken away."""
    try:
        with (folder / CHECK).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except FileNotFoundError:
        return []
