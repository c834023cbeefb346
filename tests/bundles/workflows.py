"""Workflows of a bundle, made as ``monai.bundle run`` makes them, on the CPU."""

from monai.bundle import create_workflow


def workflow(bundle, kind, configs, **overrides):
    """The workflow of configs by name: of kind ``train`` or ``infer``."""
    return create_workflow(
        workflow_type=kind,
        config_file=[str(bundle / "configs" / name) for name in configs],
        meta_file=str(bundle / "configs/metadata.json"),
        bundle_root=str(bundle),
        **{"device": "$torch.device('cpu')", **overrides},
    )


def run_to_the_end(bundle, kind, configs, **overrides):
    """Run it, and let it close its files; returns the workflow."""
    made = workflow(bundle, kind, configs, **overrides)
    made.run()
    made.finalize()
    return made
