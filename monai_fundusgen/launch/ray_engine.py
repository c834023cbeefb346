"""A run on a Ray cluster: actors hold the models, Ray Data feeds them, the driver keeps the journal."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from monai_fundusgen.dataset.placement import sample_id
from monai_fundusgen.launch.workflow import opened
from monai_fundusgen.sampling.plan import PlannedSamples


class SampleMaker:
    """Actor: the networks of a run, loaded once; makes and writes the samples whose indices it is given.

    Args:
        overrides: options of the bundle.
        bundle: folder of the bundle, reachable from every node, as the output folder.
    """

    def __init__(self, overrides: dict[str, Any], bundle: str) -> None:
        from monai.bundle import ConfigParser

        parser = ConfigParser()
        parser.read_config(str(Path(bundle) / "configs" / "inference.yaml"))
        own = {"journal#rank": os.getpid() + 1, "extend": True, "overwrite": False}  # the driver alone mends
        parser.update({**overrides, **own})
        self.step = parser.get_parsed_content("step")
        self.writer = parser.get_parsed_content("writer")
        self.seed = parser.get_parsed_content("seed")

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, list[str]]:
        """Names, hashes and records of the samples, as text; their files are on the disk."""
        planned = PlannedSamples(self.seed, np.asarray(batch["index"], dtype=np.int64))
        finished = self.step.samples(list(planned))
        return {
            "id": [sample.id for sample in finished],
            "files": [json.dumps(self.writer.files(sample)) for sample in finished],
            "record": [json.dumps(sample.record) for sample in finished],
        }


def run_on_ray(overrides: dict[str, Any], bundle: Path, actors: int) -> None:
    """Make the missing samples with a pool of actors.

    An actor that dies is started again and its batch is made again, to the same bytes; back pressure is Ray Data's.
    A line goes into the journal when its sample has reached the driver.

    Args:
        overrides: options of the bundle.
        bundle: its folder.
        actors: how many; each takes one CPU, and a GPU where the cluster has enough of them.

    Raises:
        ImportError: Ray is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise ImportError("engine ray: Ray is not installed; pip install 'monai-fundusgen[ray]'") from error
    workflow = opened(overrides, bundle)
    session = workflow.parser.get_parsed_content("session")
    with session.folder(alone=False):
        if len(session.pending):
            _start(ray, actors)
            quiet = bool(overrides.get("quiet"))
            _make(ray, session.pending, session.writer, overrides, bundle, actors=actors, quiet=quiet)
        session.writer.finish()


def _start(ray: Any, actors: int) -> None:
    """Join the cluster of RAY_ADDRESS, or start one here with enough room for the actors."""
    if ray.is_initialized():
        return
    if os.environ.get("RAY_ADDRESS"):
        ray.init(log_to_driver=False)
    else:
        ray.init(num_cpus=max(actors + 1, os.cpu_count() or 1), include_dashboard=False, log_to_driver=False)


def _make(
    ray: Any, pending: PlannedSamples, writer: Any, overrides: dict[str, Any], bundle: Path, *, actors: int, quiet: bool
) -> None:
    """Feed the actors and note what comes back."""
    gpus = 1 if ray.cluster_resources().get("GPU", 0) >= actors else 0
    batch = int(overrides.get("batch_size") or 4)
    ray.data.DataContext.get_current().enable_progress_bars = False
    blocks = max(-(-len(pending) // batch), 1)
    planned = ray.data.from_items([{"index": int(one)} for one in pending.indices], override_num_blocks=blocks)
    made = planned.map_batches(
        SampleMaker, fn_constructor_args=(overrides, str(bundle)), batch_size=batch, batch_format="numpy",
        concurrency=actors, num_cpus=1, num_gpus=gpus,
    )  # fmt: skip
    with tqdm(total=len(pending), desc="samples", unit="sample", disable=quiet) as bar:
        for row in made.iter_rows():
            writer.append_record(row["id"], json.loads(row["record"]), json.loads(row["files"]))
            bar.update()
    done = writer.journal.done
    missing = [sample_id(int(index)) for index in pending.indices if int(index) not in done]
    if missing:
        raise RuntimeError(f"Ray gave back too few samples: {len(missing)} are missing, the first is {missing[0]}")
