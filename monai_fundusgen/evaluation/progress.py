"""Progress bars of an evaluation, on the console."""

from __future__ import annotations

from tqdm.auto import tqdm

from monai_fundusgen.evaluation.measurements import Progress


def bars(quiet: bool = False) -> Progress:
    """A bar for each pass over eyes; none where nothing is left to do, or with ``quiet``."""
    return lambda places, name, total: tqdm(places, desc=name, unit="eye", total=total, disable=quiet or not total)
