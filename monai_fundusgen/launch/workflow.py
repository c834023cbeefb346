"""The data set bundle as a workflow of MONAI."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from monai.bundle import ConfigWorkflow


def opened(overrides: dict[str, Any], bundle: Path) -> ConfigWorkflow:
    """The bundle's workflow, initialised: the folder is locked and the journal mended."""
    configs = bundle / "configs"
    quiet = bool(overrides.get("quiet"))
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
