"""One data set takes the place of another, and at every moment one of the two can be had back.

With ``overwrite`` the old set moves into `ASIDE` inside its own folder, its ``run.json`` last. Once the first sample of
the new one stands in a journal the old set is renamed to `DISCARDED` and deleted. Until then it can be put back:
``run.json`` comes back first. So a reader of the folder knows where a killed run stopped: with a ``run.json`` in
`ASIDE` all of the old set is there and what lies outside is new; without one, all that lies outside is old.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

from monai_fundusgen.dataset.evaluation_note import EVALUATION
from monai_fundusgen.dataset.manifest import ASIDE, JOURNALS, MANIFEST, SETTINGS, finished
from monai_fundusgen.dataset.placement import FOLDERS

#: An old set on its way out.
DISCARDED: Final = ".discarded"
#: Where files are written before they get their names.
SCRATCH: Final = ".partial"
#: What a finished data set holds beside its samples.
REPORTS: Final = ("datalist.json", "contact_sheet.png", "README.md", "croissant.json", "summary.json", EVALUATION)


def entries(root: Path) -> list[str]:
    """Names of a data set's files and folders that are there, the settings last."""
    shards = sorted(path.name for path in root.glob("shard-[0-9]*"))
    names = (*shards, *FOLDERS, JOURNALS, MANIFEST, *REPORTS, SETTINGS)
    return [name for name in names if os.path.lexists(root / name)]


def places(root: Path) -> list[Path]:
    """Folders that the data set lies in, as it will be once `mend` has run: its own, the one aside, or both."""
    if not (root / ASIDE).is_dir():
        return [root]
    if not (root / ASIDE / SETTINGS).is_file():
        return [root, root / ASIDE]
    return [root] if len(finished(root)) else [root / ASIDE]


def move_aside(root: Path) -> None:
    """Move the data set of a folder aside."""
    shutil.rmtree(root / SCRATCH, ignore_errors=True)
    (root / ASIDE).mkdir()
    for name in entries(root):
        os.rename(root / name, root / ASIDE / name)


def put_back(root: Path) -> None:
    """Delete what there is of the new data set, and bring the old one back."""
    if (root / ASIDE / SETTINGS).is_file():
        remove(root)
        os.rename(root / ASIDE / SETTINGS, root / SETTINGS)
    for name in entries(root / ASIDE):
        os.rename(root / ASIDE / name, root / name)
    (root / ASIDE).rmdir()


def discard(root: Path) -> None:
    """Delete the old data set: the new one has its first sample."""
    os.rename(root / ASIDE, root / DISCARDED)
    shutil.rmtree(root / DISCARDED, ignore_errors=True)


def mend(root: Path) -> None:
    """End what a killed run began: delete the old set if the new one has a sample, else put it back."""
    shutil.rmtree(root / DISCARDED, ignore_errors=True)
    if (root / ASIDE).is_dir():
        end = discard if places(root) == [root] else put_back
        end(root)


def remove(root: Path) -> None:
    """Delete the data set of a folder, and nothing that lies beside it."""
    for name in (SCRATCH, *entries(root)):
        path = root / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
