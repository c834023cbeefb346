"""The walls of the house: rooms import from lower floors only, files stay small, no room is called utils."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "monai_fundusgen"
FLOORS = {
    "__init__": 0, "conventions": 0, "storage": 0, "streams": 0, "versions": 0,
    "diffusion": 1, "vessels": 1, "networks": 1,
    "phantom": 2, "weights": 2, "losses": 2,
    "metrics": 3, "transforms": 3,
    "data": 4, "inferers": 4, "handlers": 4, "engines": 4,
    "dataset": 5,
    "sampling": 6, "groundtruth": 6, "evaluation": 6, "export": 6,
    "launch": 7, "apps": 7,
    "console": 8,
    "__main__": 9,
}  # fmt: skip
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "misc", "common", "tools"}
MAX_LINES = 400


def room_of(module: str) -> str:
    """``monai_fundusgen.data.layouts`` -> ``data``; the package itself -> ``__init__``."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imported_modules(tree: ast.AST) -> list[str]:
    """Every module of this package that the syntax tree imports, lazy imports included."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            found += [f"{base}.{alias.name}" if base == "monai_fundusgen" else base for alias in node.names]
    return [name for name in found if name.split(".")[0] in ("monai_fundusgen", "")]


def module_name(path: Path, package: Path) -> str:
    parts = list(path.relative_to(package.parent).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def violations(package: Path) -> list[str]:
    """One line per import that goes sideways, upwards or is relative."""
    lines = []
    for path in sorted(package.rglob("*.py")):
        here = room_of(module_name(path, package))
        for target in imported_modules(ast.parse(path.read_text(encoding="utf-8"))):
            if target.startswith("."):
                lines.append(f"{path.name}: relative import {target}")
                continue
            there = room_of(target)
            if there == "__version__":
                continue
            if there not in FLOORS or here not in FLOORS:
                lines.append(f"{path.relative_to(package)}: room {there if there not in FLOORS else here} has no floor")
            elif there != here and FLOORS[there] >= FLOORS[here]:
                lines.append(f"{path.relative_to(package)} [{FLOORS[here]}] imports {target} [{FLOORS[there]}]")
    return lines


def import_graph(package: Path) -> dict[str, set[str]]:
    modules = {module_name(path, package): path for path in package.rglob("*.py")}
    graph: dict[str, set[str]] = {}
    for name, path in modules.items():
        targets = set(imported_modules(ast.parse(path.read_text(encoding="utf-8"))))
        graph[name] = {target for target in targets if target in modules and target != name}
    return graph


def find_cycle(graph: dict[str, set[str]]) -> list[str]:
    done: set[str] = set()

    def walk(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        for target in sorted(graph[name]):
            cycle = walk(target, [*path, name])
            if cycle:
                return cycle
        done.add(name)
        return []

    return next((cycle for name in sorted(graph) if (cycle := walk(name, []))), [])


def test_rooms_import_from_lower_floors_only():
    assert violations(PACKAGE) == []


def test_no_import_cycles():
    assert find_cycle(import_graph(PACKAGE)) == []


@pytest.mark.parametrize("statement", [
    "from monai_fundusgen.launch import run",
    "import monai_fundusgen.launch.run",
    "from monai_fundusgen import launch",
    "def late():\n    from monai_fundusgen.launch import run",
    "from monai_fundusgen.weights import files",  # sideways
    "from . import x",  # relative
])  # fmt: skip
def test_a_planted_import_is_caught(tmp_path, statement):
    package = tmp_path / "monai_fundusgen"
    for room in ("phantom", "weights", "launch"):
        (package / room).mkdir(parents=True)
    (package / "phantom" / "tree.py").write_text(statement + "\n")
    assert len(violations(package)) == 1


def test_a_planted_cycle_is_caught(tmp_path):
    package = tmp_path / "monai_fundusgen"
    (package / "data").mkdir(parents=True)
    (package / "data" / "a.py").write_text("import monai_fundusgen.data.b\n")
    (package / "data" / "b.py").write_text("import monai_fundusgen.data.a\n")
    assert find_cycle(import_graph(package))


def test_files_are_short_and_no_room_is_called_utils():
    offenders = []
    for path in PACKAGE.rglob("*.py"):
        if len(path.read_text(encoding="utf-8").splitlines()) > MAX_LINES:
            offenders.append(f"{path.relative_to(PACKAGE)}: over {MAX_LINES} lines")
        if FORBIDDEN_NAMES & set(path.relative_to(PACKAGE).with_suffix("").parts):
            offenders.append(f"{path.relative_to(PACKAGE)}: a name that says nothing")
    assert offenders == []


def test_floors_zero_to_two_open_no_file():
    openers = {"open", "read_text", "write_text", "read_bytes", "write_bytes", "imread", "imsave", "savez", "unlink"}
    offenders = []
    for path in PACKAGE.rglob("*.py"):
        room = room_of(module_name(path, PACKAGE))
        if FLOORS[room] > 2 or room in ("storage", "weights"):  # the rooms that read and write files for those above
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name in openers:
                    offenders.append(f"{path.relative_to(PACKAGE)}:{node.lineno} calls {name}")
    assert offenders == []


def test_no_torchvision_in_the_core():
    for path in PACKAGE.rglob("*.py"):
        assert "torchvision" not in path.read_text(encoding="utf-8"), path
