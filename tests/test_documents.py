"""What the documents name is there: files behind links, modules, verbs of the console."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import typer

from monai_fundusgen.__main__ import app

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "monai_fundusgen"
DOCUMENTS = [
    ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "bundles").glob("*/docs/README.md")),
]  # fmt: skip
ROOMS = {path.stem for path in PACKAGE.iterdir() if path.is_dir() and (path / "__init__.py").is_file()}


def names_in(path: Path) -> set[str]:
    """Names of the module's own functions, classes and values."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        found |= {target.id for target in targets if isinstance(target, ast.Name)} | {getattr(node, "name", "")}
    return found


def is_there(dotted: str) -> bool:
    """Whether ``room.module``, or a name in one, is in the package."""
    path = PACKAGE.joinpath(*dotted.split("."))
    if path.is_dir() or path.with_suffix(".py").is_file():
        return True
    module = path.parent.with_suffix(".py")
    return module.is_file() and path.name in names_in(module)


def wrong_in(text: str, folder: Path) -> list[str]:
    """What a document in a folder names in vain."""
    links = [link for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text) if "://" not in link]
    modules = [
        word.removeprefix("monai_fundusgen.")
        for word in re.findall(r"`([a-z_]+(?:\.\w+)+)(?<!\.json)(?<!\.jsonl)`", text)
    ]
    verbs = typer.main.get_command(app).commands
    return [
        *[f"link {link}" for link in links if not (folder / link).exists()],
        *[f"module {name}" for name in modules if name.split(".")[0] in ROOMS and not is_there(name)],
        *[f"verb {verb}" for verb in re.findall(r"`(?:\.venv/bin/)?fundusgen ([a-z]+)", text) if verb not in verbs],
    ]


@pytest.mark.parametrize("path", DOCUMENTS, ids=[str(path.relative_to(ROOT)) for path in DOCUMENTS])
def test_a_document_names_nothing_in_vain(path):
    assert wrong_in(path.read_text(encoding="utf-8"), path.parent) == []


def test_what_is_named_in_vain_is_found():
    text = "[a](gone.md), `vessels.gone`, `vessels.graph.gone`, `fundusgen gone`; `vessels.graph`, `fundusgen judge`"
    assert wrong_in(text, ROOT) == ["link gone.md", "module vessels.gone", "module vessels.graph.gone", "verb gone"]
