"""The rules of the house: arrows between modules point down, files stay short, the install files agree."""

import ast
import re
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
FLOORS = {
    "": 0,  # fsae_core/__init__.py: names as strings, nothing else
    "errors": 0,
    "assets": 0,
    "compiled": 0,
    "sphere": 1,
    "archive": 2,
    "model": 2,
    "training": 3,
    "codec": 4,
    "diffusion": 4,
    "atlas": 4,
    "evaluate": 5,
    "accessor": 5,
    "cli": 6,
    "__main__": 7,
}
UI = {"panel", "bokeh", "holoviews", "datashader", "param"}
CONDA_NAMES = {"openTSNE": "opentsne", "torch": "pytorch", "eccodes": "python-eccodes", "netCDF4": "netcdf4"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    module_name(path): path
    for package in ("fsae_core", "app")
    for path in sorted((ROOT / package).rglob("*.py"))
    if "_assets" not in path.parts
}


def resolve(target: str) -> str:
    """The longest prefix of a dotted name that is a module of ours; '' for anything else."""
    while target and target not in MODULES:
        target = target.rpartition(".")[0]
    return target


def imports(name: str, path: Path, late: bool = True) -> set[str]:
    """Dotted names that a module imports; ``late``: inside functions too. Type-checking ones never count."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            return
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not late:
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            found.update(f"{base}.{alias.name}" for alias in node.names)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return found


def graph(late: bool) -> dict[str, set[str]]:
    return {
        name: {resolve(target) for target in imports(name, path, late)} - {"", "fsae_core", name}
        for name, path in MODULES.items()
    }


def room(name: str) -> str:
    return [*name.split("."), ""][1] if name.startswith("fsae_core") else "app"


def floor(name: str) -> int:
    return 8 if name.split(".")[0] == "app" else FLOORS[room(name)]


def test_every_module_has_a_floor():
    unknown = {room(name) for name in MODULES if name.startswith("fsae_core")} - set(FLOORS)
    assert not unknown, f"new rooms need a floor: {unknown}"


def test_arrows_point_down():
    up = [(a, b) for a, targets in graph(late=True).items() for b in targets if floor(b) > floor(a)]
    assert not up, f"imports that run up: {up}"


def test_no_circles():
    """Between rooms none at all; inside a room a factory may import late what imports the factory."""
    rooms: dict[str, set[str]] = {}
    for a, targets in graph(late=True).items():
        rooms.setdefault(room(a), set()).update(room(b) for b in targets if room(b) != room(a))
    for arrows in (rooms, graph(late=False)):
        try:
            list(TopologicalSorter(arrows).static_order())
        except CycleError as error:
            pytest.fail(f"circle of imports: {error.args[1]}")


def test_library_never_imports_the_ui():
    bad = [
        (name, target)
        for name, path in MODULES.items()
        if name.startswith("fsae_core")
        for target in imports(name, path)
        if target.split(".")[0] in UI
    ]
    assert not bad


def test_files_are_short():
    long = {
        str(path.relative_to(ROOT)): lines
        for folder in ("fsae_core", "app", "tests")
        for path in (ROOT / folder).rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 300
    }
    assert not long, f"split these by concept: {long}"


def requirement(text: str) -> tuple[str, str]:
    match = re.fullmatch(r"([A-Za-z0-9_.-]+)\s*(.*)", text)
    assert match, text
    return match[1], match[2].replace(" ", "")


def test_environment_agrees_with_pyproject():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {"python": project["requires-python"], "pip": ""}
    for text in project["dependencies"] + project["optional-dependencies"]["app"]:
        name, version = requirement(text)
        wanted[CONDA_NAMES.get(name, name)] = version
    entries = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    listed = dict(requirement(entry) for entry in entries if isinstance(entry, str))
    assert listed == wanted
    assert [entry for entry in entries if isinstance(entry, dict)] == [{"pip": ["-e ."]}]


def test_constraints_pin_every_requirement():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [
        line for line in (ROOT / "constraints.txt").read_text().splitlines() if line[:1] not in ("#", "")
    ]
    pins = dict(line.split("==") for line in lines)
    pinned = {re.sub("[-_.]+", "-", name).lower() for name in pins}
    extras = project["optional-dependencies"]
    for text in project["dependencies"] + extras["app"] + extras["test"] + extras["dev"]:
        if not text.startswith(project["name"]):
            assert re.sub("[-_.]+", "-", requirement(text)[0]).lower() in pinned, text
    assert pins["torch"] == "2.13.0"


def test_procfile_serves_the_app():
    line = (ROOT / "Procfile").read_text().strip()
    assert line.startswith("web: panel serve app/ ")
    assert "--port $PORT" in line and "--address 0.0.0.0" in line
    assert "--allow-websocket-origin" not in line, "pages of other sites are not let in"


def test_public_names_load_late():
    import subprocess
    import sys

    code = "import sys, fsae_core; print([m for m in ('torch', 'sklearn', 'xarray') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
