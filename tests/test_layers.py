"""The house stands: imports point back up the list, no circles, nothing hidden in a function."""

import ast
from functools import cache
from pathlib import Path

import attendlib

PACKAGE = Path(attendlib.__file__).parent
LAYERS = (
    "errors", "facts", "records", "stats", "intake", "disclosure", "questions", "words", "page", "notebook",
    "export", "runner", "cli",
)  # fmt: skip
DRIVER_SEES = {"errors", "facts", "records", "intake", "export", "runner", "cli"}
LOCAL_IMPORTS_ALLOWED = {"cli"}


@cache
def modules() -> dict[str, Path]:
    return {".".join(p.relative_to(PACKAGE.parent).with_suffix("").parts): p for p in PACKAGE.rglob("*.py")}


@cache
def imports(path: Path) -> set[str]:
    """The attendlib modules a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("attendlib"):
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith("attendlib")}
    return {name for name in found if name in modules()}


def layer(module: str) -> str:
    return module.split(".")[1]


def test_every_module_has_a_room() -> None:
    assert {layer(name) for name in modules() if name.count(".")} - {"__init__"} <= set(LAYERS)


def test_imports_point_back_up() -> None:
    for name, path in modules().items():
        if name.count(".") == 0 or layer(name) == "__init__":
            continue
        for used in imports(path):
            assert LAYERS.index(layer(used)) <= LAYERS.index(layer(name)), f"{name} reaches down to {used}"
            if layer(name) in ("export", "runner", "cli"):
                assert layer(used) in DRIVER_SEES, f"the driver's {name} uses the kernel's {used}"


def test_questions_never_import_one_another() -> None:
    questions = {name for name in modules() if layer(name) == "questions" and name.count(".") == 2}
    shared = {f"attendlib.questions.{name}" for name in ("common", "kept", "verdict", "windows")}
    for name in questions:
        assert not (imports(modules()[name]) & (questions - shared - {name})), name


def test_no_cycles() -> None:
    graph = {name: imports(path) - {name} for name, path in modules().items()}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, f"cycle: {' -> '.join((*trail, name))}"
        if name not in done:
            for used in sorted(graph[name]):
                visit(used, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_init_files_are_empty() -> None:
    assert [str(p) for p in PACKAGE.rglob("__init__.py") if p.read_text(encoding="utf-8").strip()] == []


def test_no_imports_inside_functions() -> None:
    local = [
        f"{name}:{node.name}"
        for name, path in modules().items()
        if name.count(".") and layer(name) not in LOCAL_IMPORTS_ALLOWED
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(inner, ast.Import | ast.ImportFrom) for inner in ast.walk(node))
    ]
    assert local in ([], ["attendlib.runner.kernels:papermill"]), "only where papermill is first needed"
