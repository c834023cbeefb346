"""Where the files of a sample lie in a data set."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from monai_fundusgen.conventions import FOV, IMAGE, LABEL

#: Folders of a data set (or of one of its shards) and the ending of their files: photographs, label codes, the same in
#: colours, fields of view, records of the eyes.
GRAPHS: Final = "graphs"
FOLDERS: Final = {"images": ".png", "labels": ".png", "av": ".png", "fov": ".png", GRAPHS: ".npz"}
#: Folder of each key of a datalist.
FOLDER_OF: Final = {IMAGE: "images", LABEL: "labels", FOV: "fov", "graph": GRAPHS}
#: Samples in a shard: each of its folders holds as many files.
SHARD_SIZE: Final = 10_000

#: More samples than this are a typing error: 8 bytes each are kept while they are planned.
MAX_SAMPLES: Final = 100_000_000
#: Largest side of a photograph in px, see `monai_fundusgen.sampling.sources.open_map_source`.
MAX_SIZE: Final = 8192

_ID = re.compile(r"eye(\d{6,})")


def sample_id(index: int) -> str:
    """Name of a sample: ``eye000012``."""
    return f"eye{index:06d}"


def sample_index(name: str) -> int:
    """Index of a sample by its name.

    Raises:
        ValueError: it is no name of a sample.
    """
    match = _ID.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is no name of a sample, expected such as {sample_id(12)!r}")
    return int(match[1])


@dataclass(frozen=True)
class Placement:
    """Folders of samples, relative to the data set.

    Args:
        shard_size: samples in a shard (``shard-00000/images/...``); None: no shards (``images/...``).

    Raises:
        ValueError: the size is no whole number above 0.
    """

    shard_size: int | None = None

    def __post_init__(self) -> None:
        if self.shard_size is not None and (type(self.shard_size) is not int or self.shard_size < 1):
            raise ValueError(f"shard_size: found {self.shard_size!r}, expected a whole number above 0, or none")

    @classmethod
    def for_run(cls, num_samples: int, shard_size: int | None = SHARD_SIZE) -> Placement:
        """Shards where a run is larger than one; none with a size of 0 or None.

        Raises:
            ValueError: a size below 0, or no whole number.
        """
        if shard_size is not None and (not isinstance(shard_size, int) or shard_size < 0):
            raise ValueError(f"shard_size: found {shard_size!r}, expected a whole number, 0 for no shards")
        return cls(shard_size if shard_size and num_samples > shard_size else None)

    def folder(self, index: int) -> str:
        """Folder of a sample: empty, or ``shard-00003/``."""
        return "" if self.shard_size is None else f"shard-{index // self.shard_size:05d}/"

    def files(self, index: int) -> dict[str, str]:
        """Path of each file of a sample, by its folder."""
        return {name: f"{self.folder(index)}{name}/{sample_id(index)}{ending}" for name, ending in FOLDERS.items()}
