"""What core may not know, and what may not be loaded before it is needed."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = REPOSITORY / "src" / "napari_monuseg"
CORE = sorted(set(PACKAGE.glob("core/*.py")) - {PACKAGE / "core" / "__init__.py"})

WINDOW = {"napari", "qtpy", "magicgui", "superqt", "vispy", "PyQt6", "PyQt5", "PySide6"}
NETWORK = {"torch", "torchvision", "segmentation_models_pytorch", "timm", "triton"}
BEHIND_DOOR = [path for path in CORE if path.stem != "torch_import"]
TORCH_FREE = [
    f"napari_monuseg.core.{name}"
    for name in (
        "errors",
        "progress",
        "files",
        "image",
        "tiff",
        "annotations",
        "datasets",
        "scores",
        "figures",
        "model_info",
        "registry",
        "corrections",
        "instances",
        "maps",
        "samples",
        "handwork",
        "autosave",
    )
]


class NoTypeChecking(ast.NodeTransformer):
    """Drop what only a type checker imports."""

    def visit_If(self, node: ast.If) -> ast.AST | None:
        checking = ast.unparse(node.test).endswith("TYPE_CHECKING")
        return None if checking else self.generic_visit(node)


def imported_modules(tree: ast.AST) -> Iterator[str]:
    """Yield every module a core file names in an import, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            here = ["napari_monuseg", "core"][: 3 - node.level] if node.level else []
            module = ".".join([*here, *filter(None, [node.module])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def parse(path: Path) -> ast.AST:
    return ast.parse(path.read_text("utf-8"))


def root(module: str) -> str:
    return module.partition(".")[0]


def loaded_by(statement: str, packages: set[str]) -> list[str]:
    """Run `statement` in a fresh interpreter; give those of `packages` it loaded."""
    report = "json.dumps([name for name, module in sys.modules.items() if module])"
    code = f"{statement}\nimport json, sys\nprint({report})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return sorted(packages.intersection(json.loads(done.stdout.splitlines()[-1])))


each_core_file = pytest.mark.parametrize("path", CORE, ids=lambda path: path.stem)


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("import qtpy.QtCore", "qtpy.QtCore"),
        ("def late():\n    from napari import layers", "napari.layers"),
        ("from .errors import ImageError", "napari_monuseg.core.errors"),
        ("from .. import layers", "napari_monuseg.layers"),
    ],
)
def test_an_import_is_seen_wherever_it_hides(source, module):
    assert module in set(imported_modules(ast.parse(source)))


@each_core_file
def test_core_knows_no_window(path):
    assert WINDOW.intersection(map(root, imported_modules(parse(path)))) == set()


@each_core_file
def test_core_knows_only_core_of_this_package(path):
    ours = {m for m in imported_modules(parse(path)) if root(m) == "napari_monuseg"}
    allowed = {"napari_monuseg", "napari_monuseg.__version__", "napari_monuseg.core"}

    assert {m for m in ours - allowed if ".core." not in m} == set()


@pytest.mark.parametrize("path", BEHIND_DOOR, ids=lambda path: path.stem)
def test_torch_and_what_loads_it_come_in_by_one_door(path):
    modules = set(imported_modules(NoTypeChecking().visit(parse(path))))

    assert {
        m for m in modules if root(m) in NETWORK or m == "safetensors.torch"
    } == set()


def test_core_loads_no_window():
    modules = [f"napari_monuseg.core.{path.stem}" for path in CORE]

    # triton: see the door, core/torch_import.py.
    assert loaded_by(f"import {', '.join(modules)}", WINDOW | {"triton"}) == []


@pytest.mark.parametrize("module", TORCH_FREE)
def test_what_a_dock_needs_to_open_loads_no_torch(module):
    assert loaded_by(f"import {module}", WINDOW | NETWORK) == []


@pytest.mark.parametrize(("room", "refused"), [("core", True), ("docks", False)])
def test_lint_refuses_qt_in_core_alone(room, refused):
    done = subprocess.run(
        [
            sys.executable,
            *("-m", "ruff", "check", "--select", "TID251", "--no-cache"),
            *("--stdin-filename", f"src/napari_monuseg/{room}/example.py", "-"),
        ],
        input="from qtpy.QtCore import QTimer\n",
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ("TID251" in done.stdout) is refused
