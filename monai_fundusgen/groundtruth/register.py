"""Registration of a case: frames to one another, then together to the photograph."""

from __future__ import annotations

from monai_fundusgen.groundtruth.case import Case, Probability
from monai_fundusgen.groundtruth.registered import RegisteredCase


def register_case(case: Case, probability: Probability) -> RegisteredCase:
    """Bring every frame onto the photograph, or say why not.

    Args:
        case: from `read_case`, or made in memory.
        probability: vessel probability of a prepared image; called once a frame and once for the photograph.

    Raises:
        RegistrationError: no frame is usable, or the frames do not fit the photograph.
    """
    raise NotImplementedError
