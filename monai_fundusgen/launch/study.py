"""The trainings of a study, each in processes of its own: begun, gone on with, scored, and never done twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Final

from monai_fundusgen.conventions import LABEL_NAMES
from monai_fundusgen.evaluation.study.config import bundle_entries, read_study
from monai_fundusgen.evaluation.study.pictures import require_matplotlib, write_pictures
from monai_fundusgen.evaluation.study.plan import Item, Plan, Training, key_of, plan_of
from monai_fundusgen.evaluation.study.results import collect
from monai_fundusgen.evaluation.study.tables import write_tables
from monai_fundusgen.handlers.checkpoint import CHECKPOINT, previous_path
from monai_fundusgen.handlers.image_scores import VALIDATION
from monai_fundusgen.handlers.run_record import read_history
from monai_fundusgen.storage.folder_lock import FolderLock
from monai_fundusgen.storage.whole_file import write_json
from monai_fundusgen.weights.config_text import literal, quoted

#: Folders of a study: trainings by key, and photographs as networks take them.
RUNS, PREPARED = "runs", "prepared"
_DONE, _TRAIN, _LOG = "trained.json", "train", "log.txt"
_WEIGHTS: Final = "last.pt"  # of the end: equal steps in every arm, nothing chosen
_POLL_S: Final = 1.0
_TOLD_LINES: Final = 3

Tell = Callable[[str], None]


def study(
    config: str | Path, output: Path, lists: Mapping[str, str], *, processes: int = 1, train: bool = True, tell: Tell
) -> dict[str, Any]:
    """Run a study, and write its tables and pictures.

    Args:
        config: configuration, see `read_study`.
        output: folder of trainings and tables.
        lists: paths of datalists by name, in place of those of the configuration.
        processes: trainings at a time.
        train: False writes the tables of what is finished.
        tell: takes a line for the user.

    Returns:
        ``folder`` of the tables, ``trainings``, and ``missing``: how many of the table are not finished.

    Raises:
        OSError, ValueError, ImportError: as `read_study`, `plan_of`, `StudyRun.run`, `require_matplotlib`.
    """
    require_matplotlib()
    read = read_study(config, lists)
    plan = plan_of(read)
    runs = StudyRun(plan, output, processes, tell)
    if train:
        runs.run()
    results = collect(read, plan, runs.scores)
    folder = output / Path(config).stem
    write_tables(results, plan, runs.curve, folder)
    write_pictures(results, plan, runs.curve, folder)
    return {"folder": str(folder), "trainings": len(plan.entries), "missing": results.missing}


@dataclass
class StudyRun:
    """The runs of a plan in a folder.

    Attributes:
        plan: what is trained and scored.
        output: folder of the study; several studies may share it, and then share equal trainings.
        processes: trainings at a time.
        tell: takes a line for the user.
    """

    plan: Plan
    output: Path
    processes: int = 1
    tell: Tell = lambda line: None
    _children: set[subprocess.Popen[bytes]] = field(default_factory=set)
    _halted: bool = False

    def __post_init__(self) -> None:
        if self.processes < 1:
            raise ValueError(f"--processes: found {self.processes}, expected 1 or more")
        if self.output.exists() and not self.output.is_dir():
            raise NotADirectoryError(f"{self.output}: found a file, expected a folder; choose another output folder")

    def run(self) -> None:
        """Train and score all that is not there yet.

        Raises:
            ChildProcessError: a training or scoring failed; what it said is told. Those at hand end first.
            KeyboardInterrupt: by Ctrl-C or SIGTERM; what is under way is ended, and keeps its last checkpoint.
        """
        trainings = list(self.plan.trainings())
        scored = {entry.training.key for entry in self.plan.entries}
        open_ = [one for one in trainings if not self._is_done(one, scored=one.key in scored)]
        self.tell(f"{len(trainings)} trainings, {len(trainings) - len(open_)} of them done")
        futures: dict[str, Future[None]] = {}
        with ThreadPoolExecutor(self.processes) as pool, _termination_as_interrupt():
            try:
                for one in open_:
                    first = futures.get(one.first.key) if one.first else None
                    futures[one.key] = pool.submit(self._run_one, one, first, one.key in scored)
                for future in as_completed(futures.values()):
                    future.result()
            except BaseException as error:
                self._stop(pool, kill=not isinstance(error, ChildProcessError))
                raise

    def scores(self, training: Training) -> dict[str, Any] | None:
        """The report of a training's scores; None: not there yet."""
        path = self._scores_path(training)
        content: dict[str, Any] | None = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
        return content

    def curve(self, training: Training) -> list[dict[str, Any]]:
        """Lines of the training's history."""
        return read_history(self.folder(training) / _TRAIN)

    def weights(self, training: Training) -> Path:
        """The weights of the end of a training."""
        return self.folder(training) / _TRAIN / _WEIGHTS

    def folder(self, training: Training) -> Path:
        """Folder of a training."""
        return self.output / RUNS / training.key

    def _scores_path(self, training: Training) -> Path:
        return self.folder(training) / f"scores_{self.plan.scoring_key(training)}.json"

    def _is_done(self, training: Training, *, scored: bool) -> bool:
        done = (self.folder(training) / _DONE).is_file()
        return done and (not scored or self._scores_path(training).is_file())

    def _run_one(self, training: Training, first: Future[None] | None, scored: bool) -> None:
        if self._halted:
            return
        try:
            if first is not None:
                first.result()  # it was handed in before, so it is done or under way
            self._finish(training, self.folder(training), scored=scored)
        except BaseException:
            self._halted = True  # nothing more is begun
            raise

    def _finish(self, training: Training, folder: Path, *, scored: bool) -> None:
        """Whatever is not there yet of a training."""
        with self._waited_for(FolderLock(folder, "study")):
            if not (folder / _DONE).is_file():
                self._train(training, folder)
            if scored and not self._scores_path(training).is_file():
                self._score(training, folder)
            for name in (CHECKPOINT, previous_path(CHECKPOINT).name):
                (folder / _TRAIN / name).unlink(missing_ok=True)

    def _waited_for(self, lock: FolderLock) -> FolderLock:
        """The lock; where another study, or a training that a killed one left behind, has it: once it is free."""
        told = False
        while True:
            try:
                lock.acquire()
                FolderLock(lock.folder / _TRAIN, "train").refuse_if_held()
                return lock
            except BlockingIOError as error:
                lock.release()
                if self._halted:
                    raise
                if not told:
                    self.tell(f"waiting: {error.filename}: {error.strerror}")
                told = True
                time.sleep(_POLL_S)

    def _train(self, training: Training, folder: Path) -> None:
        started_s, done = time.monotonic(), len(read_history(folder / _TRAIN))
        self._launch(training, folder, "train", [training.method.folder / "configs" / "train.yaml"], {
            "bundle_root": literal(str(training.method.folder)), **self._training_settings(training, folder),
        })  # fmt: skip
        seconds = round(time.monotonic() - started_s, 1)
        epochs, wanted = len(read_history(folder / _TRAIN)), training.steps // training.epoch_steps
        if epochs < wanted:
            raise ChildProcessError(
                f"{_named(training)}: was stopped after {epochs} of {wanted} epochs; the same command goes on"
            )
        write_json(folder / _DONE, {"steps": training.steps, "seconds": seconds, "epochs_before": done})
        self.tell(f"{_named(training)}: {epochs - done} epochs in {seconds:.0f} s")

    def _training_settings(self, training: Training, folder: Path) -> dict[str, Any]:
        lists = {}
        for place, (weight, items) in enumerate(training.lists):
            path = folder / f"list{place}.json"
            validation = {"validation": list(training.validation)} if place == 0 else {}
            labels = {str(code): name for code, name in LABEL_NAMES.items()}
            write_json(path, {"name": f"list {place}", "labels": labels, "training": list(items), **validation})
            lists[str(path)] = weight
        prepared = self._prepared("train", training)
        return {
            "datalist": "${" + ", ".join(f"{quoted(path)[1:]}: {weight}" for path, weight in lists.items()) + "}",
            "output_dir": literal(str(folder / _TRAIN)),
            "seed": training.seed,
            "max_epochs": training.steps // training.epoch_steps,
            "iterations_per_epoch": training.epoch_steps,
            "val_interval": training.validate_every,
            "num_phantoms": 0,
            "train#dataset": _persistent("$@items.training", "@train#preprocessing", prepared / "training"),
            "validate#dataset": _persistent("$@items.validation", "@validate#preprocessing", prepared / "validation"),
            **({"pretrained": literal(str(self.weights(training.first)))} if training.first else {}),
            **training.method.options,
        }

    def _prepared(self, what: str, training: Training) -> Path:
        """Where prepared photographs of a method lie: they depend on its options, not on arm or seed."""
        method = training.method
        files = ["train.yaml"] if what == "train" else ["inference.yaml", "evaluate.yaml"]
        decides = [[bundle_entries(method.bundle, file) for file in files], method.options, method.scoring]
        return self.output / PREPARED / f"{what}_{key_of({'decides': decides})}"

    def _score(self, training: Training, folder: Path) -> None:
        method = training.method
        rows = {VALIDATION: self.plan.validation, **self.plan.tests}
        items = [{**item, "id": f"{name}/{_stem(item)}"} for name, found in rows.items() for item in found]
        told = {**bundle_entries(method.bundle, "inference.yaml"), **bundle_entries(method.bundle, "evaluate.yaml")}
        shared = {name: value for name, value in method.options.items() if name.split("#")[0] in told}
        configs = [method.folder / "configs" / name for name in ("inference.yaml", "evaluate.yaml")]
        self._launch(training, folder, "score", configs, {
            "bundle_root": literal(str(method.folder)),
            "output_dir": literal(str(folder)),
            "weights": literal(str(self.weights(training))),
            **({"threshold": 0.5} if "threshold" in told else {}),
            **shared,
            **method.scoring,
            "items": literal(items),
            "dataset": _persistent("@items", "@preprocessing", self._prepared("score", training)),
            "evaluator#key_val_metric": None,
            "evaluator#additional_metrics": None,
            "handlers": [{
                "_target_": "monai_fundusgen.handlers.image_scores.ImageScores",
                "path": literal(str(self._scores_path(training))),
            }],
        })  # fmt: skip

    def _launch(
        self, training: Training, folder: Path, name: str, configs: list[Path], settings: Mapping[str, Any]
    ) -> None:
        """A run of MONAI's bundle in a process of its own, by the bundle's files and one more that changes them."""
        changes = folder / f"{name}.json"
        write_json(changes, dict(settings))
        arguments = {
            "config_file": [*map(str, configs), str(changes)],
            "meta_file": str(training.method.folder / "configs" / "metadata.json"),
        }
        write_json(folder / f"{name}_arguments.json", arguments)
        command = [sys.executable, "-m", "monai.bundle", "run", "--args_file", str(folder / f"{name}_arguments.json")]
        threads = max((os.cpu_count() or 1) // self.processes, 1)
        with (folder / _LOG).open("ab") as log:
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                env={"OMP_NUM_THREADS": str(threads), **os.environ}, start_new_session=True,
            )  # fmt: skip
            self._children.add(child)
            try:
                code = child.wait()
            finally:
                self._children.discard(child)
        if code:
            raise ChildProcessError(f"{_named(training)}: {name}: {_reason(code, folder / _LOG)}")

    def _stop(self, pool: ThreadPoolExecutor, *, kill: bool) -> None:
        """Begin nothing more; with ``kill`` end what runs: its last checkpoint is whole, the epoch at hand is lost."""
        pool.shutdown(wait=False, cancel_futures=True)
        self._halted = True
        for child in list(self._children) if kill else ():
            with suppress(ProcessLookupError):
                child.kill()


@contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """While it lasts a SIGTERM, as of a cluster's scheduler, ends the run as Ctrl-C does: no child is left behind."""
    if threading.current_thread() is not threading.main_thread():  # elsewhere Python lets nobody handle signals
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    earlier = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def _persistent(data: str, transform: str, folder: Path) -> dict[str, Any]:
    return {
        "_target_": "PersistentDataset", "data": data, "transform": transform, "cache_dir": literal(str(folder)),
    }  # fmt: skip


def _stem(item: Item) -> str:
    return Path(str(item.get("image") or item.get("label") or item.get("vessel") or item.get("seed"))).stem


def _named(training: Training) -> str:
    return f"{training.method.name}, seed {training.seed}, training {training.key}"


def _reason(code: int, log: Path) -> str:
    """Why a child ended, by what it wrote last."""
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines[-20:] if line.startswith("error: ")]
    last = errors[-1:] or lines[-_TOLD_LINES:]
    killed = "; it was killed: if memory ran out, give a smaller crop_size or window_size, or fewer --processes"
    return f"ended with {code}: {' / '.join(last)} ({log}{killed if code == -signal.SIGKILL else ''})"
