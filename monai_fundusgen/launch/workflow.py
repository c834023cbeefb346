"""The data set bundle as a workflow of MONAI."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

from monai.bundle import ConfigWorkflow


def opened(overrides: dict[str, Any], bundle: Path) -> ConfigWorkflow:
    """The bundle's workflow, initialised: nothing is written yet."""
    configs = bundle / "configs"
    quiet = bool(overrides.get("quiet"))
    _silence_routine_notes()
    if quiet:
        logging.getLogger("monai.bundle.workflows").setLevel(logging.ERROR)  # it warns that nothing is logged
    workflow = ConfigWorkflow(
        config_file=str(configs / "inference.yaml"),
        meta_file=str(configs / "metadata.json"),
        logging_file=False if quiet else str(configs / "logging.conf"),
        workflow_type="infer",
        **overrides,
    )
    workflow.initialize()
    return workflow


def _silence_routine_notes() -> None:
    """What MONAI and ignite say of every run, whatever it does, is no news to whoever makes a data set."""
    warnings.filterwarnings("ignore", message="parsing config_file .*", category=UserWarning)
    for name in ("monai.bundle.workflows", "ignite.engine.engine.SupervisedEvaluator"):
        logging.getLogger(name).setLevel(logging.WARNING)
