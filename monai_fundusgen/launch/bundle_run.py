"""What every bundle asks of a run through ``python -m monai.bundle run``: known options, one message for an error.

A bundle's ``initialize`` begins with ``$guard_run()``. MONAI itself takes any option for a new entry of the
configuration, and shows an error with the tracebacks of all its layers, logged twice more on the way (MONAI 1.6.1).
"""

from __future__ import annotations

import difflib
import inspect
import logging
import os
import re
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from monai.bundle import ConfigParser, ConfigWorkflow, create_workflow
from monai.bundle.utils import DEFAULT_EXP_MGMT_SETTINGS, MERGE_KEY

from monai_fundusgen.launch.option_rules import refuse_impossible

USER_ERROR: Final = 2
INTERRUPTED: Final = 130
_REFUSALS: Final = (ValueError, TypeError, KeyError, ImportError, AttributeError, RuntimeError)
_PACKAGE: Final = str(Path(__file__).parents[1]) + os.sep
_INSTANTIATE: Final = re.compile(r"Failed to instantiate component '([^']+)'")
_START: Final = "resuming from iteration 0"


def guard_run() -> None:
    """Refuse unknown and impossible options of the run that evaluates this, and have its errors told in one line.

    Errors are told so where the process is ``python -m monai.bundle``; elsewhere they are the caller's.

    Raises:
        ValueError: an option that the configuration does not have, with the nearest name, or an impossible value.
    """
    for handler in logging.getLogger().handlers:
        if not any(isinstance(known, _Quiet) for known in handler.filters):
            handler.addFilter(_Quiet())
    if getattr(getattr(sys.modules["__main__"], "__spec__", None), "name", None) == "monai.bundle.__main__":
        sys.excepthook = tell_and_exit
    workflow, files = running_workflow()
    if workflow is not None:
        refuse_unknown(workflow.parser, files)
        refuse_impossible(workflow.parser)


def refuse_unknown(parser: ConfigParser, files: str | Sequence[str] | None) -> None:
    """Refuse top-level options that are not in the configuration files.

    Args:
        parser: files and options together.
        files: the configuration files; None: not known, nothing is refused.

    Raises:
        ValueError: the name, and the nearest that there is.
    """
    if files is None:
        return
    known = {str(name).removeprefix(MERGE_KEY) for name in ConfigParser.load_config_files(files)}
    managers: dict[str, Any] = DEFAULT_EXP_MGMT_SETTINGS
    tracked = {name for settings in managers.values() for name in settings["configs"]}
    unknown = [str(name) for name in vars(parser)["config"] if name not in known | tracked | {ConfigParser.meta_key}]
    if unknown:
        raise ValueError("; ".join(_unknown_option(name, sorted(known)) for name in unknown))


def _unknown_option(name: str, known: Sequence[str]) -> str:
    options = [one for one in known if one.isidentifier()]
    inside = [one for one in options if name in one.split("_")]
    found = difflib.get_close_matches(name, inside or options, n=1, cutoff=0.0 if inside else 0.5)
    hint = (
        f"did you mean --{found[0]}?" if found else "the options stand at the head of its train.yaml or inference.yaml"
    )
    return f"--{name}: the bundle has no option of that name; {hint}"


def user_message(error: BaseException) -> str | None:
    """What to tell the user of an error: one message, or None where it is a fault of the program.

    A ``ValueError``, ``OSError`` or ``ImportError`` that this package raised speaks for itself, as does an ``OSError``
    of the system (full disk, no permission). What a part of MONAI or torch refuses to be built with is told with the
    name of that part.
    """
    chain = _chain(error)
    last = chain[-1]
    if isinstance(last, OSError) or (isinstance(last, (ValueError, ImportError)) and _raised_here(last)):
        return _text(last)
    wrapped = [found for one in chain if (found := _INSTANTIATE.search(str(one)))]
    if wrapped and isinstance(last, _REFUSALS):
        return f"{wrapped[-1].group(1)}: {_text(last)}; see the entry with this _target_ in the configuration"
    return None


def _chain(error: BaseException) -> list[BaseException]:
    """The error and what it was raised from, while the outer one only wraps (MONAI raises ``RuntimeError``)."""
    chain = [error]
    while isinstance(chain[-1], RuntimeError) and chain[-1].__cause__ is not None:
        chain.append(chain[-1].__cause__)
    return chain


def _raised_here(error: BaseException) -> bool:
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and frames[-1].filename.startswith(_PACKAGE)


def _text(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename is not None and error.strerror is not None:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__


def tell_and_exit(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """``sys.excepthook``: one message and exit code 2 for an error of the user, the traceback for any other.

    Raises:
        SystemExit: with the exit code.
    """
    if isinstance(error, KeyboardInterrupt):
        sys.stderr.write("interrupted; the same command goes on\n")
        raise SystemExit(INTERRUPTED)
    message = user_message(error)
    if message is None:
        sys.__excepthook__(kind, error, trace)
        return
    sys.stderr.write(f"error: {message}\n")
    raise SystemExit(USER_ERROR)


class _Quiet(logging.Filter):
    """Drop what ignite and MONAI log about an error that is told at the end, and a "resuming" of what begins."""

    def filter(self, record: logging.LogRecord) -> bool:
        if _START in str(record.msg):
            return False
        error = sys.exc_info()[1]
        return record.levelno < logging.ERROR or error is None or user_message(error) is None


def running_workflow() -> tuple[ConfigWorkflow | None, Any]:
    """The workflow that evaluates the expression at hand, and its files where ``create_workflow`` made it.

    MONAI hands an expression neither of them, so they are looked up among the callers.
    """
    workflow, frame = None, inspect.currentframe()
    while frame is not None:
        owner: Any = frame.f_locals.get("self")
        workflow = owner if workflow is None and isinstance(owner, ConfigWorkflow) else workflow
        if workflow is not None and frame.f_code is create_workflow.__code__:
            return workflow, frame.f_locals.get("config_file") or frame.f_locals.get("_args", {}).get("config_file")
        frame = frame.f_back
    return workflow, None
