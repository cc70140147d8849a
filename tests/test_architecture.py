"""The shape of the code: imports point down only, files are short, the light commands load nothing heavy."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

import inception_dsl

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "inception_dsl"
LONGEST = 300

# From the ground up: a module imports from those before it. A folder is one layer; inside it there are no cycles.
LAYERS = (
    *("runner", "datasets"),
    *("text", "diagnostics", "plugins", "files"),
    *("ir", "syntax", "edit", "spec", "formatting", "recipes"),
    *("elaborate", "passes", "lower", "analysis", "paper"),
    *("build", "crosscheck", "emit", "compiler", "compilation"),
    *("interchange", "adopt", "weights", "audit", "identify", "lint", "diff"),
    *("training", "evaluation", "sweeps", "panels", "network", "testing"),
    *("tables", "authoring", "lsp", "mcp"),
    *("cli", "__main__"),
)

# The rooms of `runner/`, in the same order.
RUNNER = ("base", "machine", "readers", "images", "learning", "record", "loop")

# What is not ours, and the only layers that may know it.
FOREIGN = {
    "click": {"cli"},
    "h5py": {"weights"},
    "jinja2": {"emit.templates"},
    "lark": {"syntax"},
    "keras": {"weights"},
    "lsprotocol": {"lsp"},
    "markupsafe": {"emit.templates"},
    "mlflow": {"runner.record.trackers"},
    "numpy": {"crosscheck", "evaluation", "interchange", "runner.readers.tables", "weights"},
    "onnx": {
        *("emit.onnx.executor", "files.freshness"),
        *("interchange.onnx.model", "interchange.onnx.running", "interchange.onnx.stored"),
    },
    "onnxruntime": {"emit.onnx.executor"},
    "optuna": {"sweeps.sampler"},
    "PIL": {"evaluation.images", "runner.readers.decode", "runner.readers.pillow"},
    "pyarrow": {"runner.readers.parquet"},
    "mcp": {"mcp"},
    "mcp_types": {"mcp"},
    "pydantic": {"mcp", "spec"},
    "pygls": {"lsp"},
    "resvg_py": {"emit.picture.png"},
    "safetensors": {"weights"},
    "torch": {
        *("build", "cli", "crosscheck", "datasets", "emit.pytorch.executor"),
        *("evaluation", "interchange.torch.foreign", "interchange.torch.keras", "interchange.torch.module"),
        *(
            "interchange.torch.program",
            "interchange.torch.reader",
            "interchange.torch.running",
            "runner",
            "training",
            "weights",
        ),
    },
    "torchvision": {"runner.readers.decode", "runner.readers.torchvision"},
    "wandb": {"runner.record.trackers"},
    "yaml": {"syntax"},
}


def module_name(file: Path) -> str:
    """A file's module below the package: `emit.onnx`; "" for the package itself."""
    return ".".join(file.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__").strip(".")


NAMES = {module_name(file): file for file in sorted(PACKAGE.rglob("*.py"))}


def layer_of(name: str) -> str:
    """The layer a module belongs to: its first part."""
    return name.partition(".")[0]


def imported(node: ast.Import | ast.ImportFrom, file: Path) -> Iterator[str]:
    """The modules that a statement imports, by their full names."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    assert node.level == 0, f"{file}: imports are absolute"
    assert node.module
    for alias in node.names:
        inner = f"{node.module}.{alias.name}"
        yield inner if inner.removeprefix("inception_dsl.") in NAMES else node.module


@cache
def imports(file: Path) -> dict[str, bool]:
    """Every module that a file imports, anywhere in it, by its full name, and whether for types only."""
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    guards = [node for node in nodes if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    guarded = {inner for guard in guards for inner in ast.walk(guard)}
    found: dict[str, bool] = {}
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for name in imported(node, file):
                found[name] = found.get(name, True) and node in guarded
    return found


def ours(name: str) -> set[str]:
    """The modules of this package that a module imports."""
    return {each.removeprefix("inception_dsl.") for each in imports(NAMES[name]) if each.startswith("inception_dsl.")}


MODULES = [name for name in NAMES if name]


def test_every_module_has_a_layer_and_every_layer_a_module() -> None:
    assert {layer_of(name) for name in MODULES} == set(LAYERS)


@pytest.mark.parametrize("name", MODULES)
def test_imports_point_down(name: str) -> None:
    own = layer_of(name)
    above = {each for each in ours(name) if layer_of(each) != own and LAYERS.index(layer_of(each)) > LAYERS.index(own)}

    assert not above


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("runner.")])
def test_imports_of_the_runner_point_down(name: str) -> None:
    room = name.split(".")[1]
    others = {each.split(".")[1] for each in ours(name) if each.startswith("runner.")}

    assert {each for each in others if RUNNER.index(each) > RUNNER.index(room)} == set()


@pytest.mark.parametrize("package", [name for name in LAYERS if (PACKAGE / name).is_dir()])
def test_no_cycle_inside_a_layer(package: str) -> None:
    inside = {name: ours(name) & set(MODULES) for name in MODULES if layer_of(name) == package}
    while free := [name for name, needed in inside.items() if not needed & inside.keys()]:
        for name in free:
            del inside[name]

    assert not inside


@pytest.mark.parametrize("name", NAMES)
def test_foreign_modules_are_known_in_their_own_layers_only(name: str) -> None:
    foreign = (
        {each.partition(".")[0] for each, for_types in imports(NAMES[name]).items() if not for_types}
        - sys.stdlib_module_names
        - {"inception_dsl"}
    )

    assert foreign <= FOREIGN.keys()
    assert {each for each in foreign if not FOREIGN[each] & {name, layer_of(name)}} == set()


def test_a_package_has_no_code_of_its_own() -> None:
    """Code stands in modules with names; only the package itself has the public names in its `__init__`."""
    packages = [file for file in PACKAGE.rglob("__init__.py") if file.parent != PACKAGE]
    kinds = {str(file): {type(node) for node in ast.parse(file.read_text("utf-8")).body} for file in packages}

    assert {file for file, found in kinds.items() if found - {ast.Expr}} == set()


def test_the_map_of_a_package_has_all_that_is_in_it() -> None:
    for file in PACKAGE.rglob("__init__.py"):
        names = re.findall(r"^\| `(\w+)` \|", file.read_text(encoding="utf-8"), re.MULTILINE)
        inside = {
            each.stem for each in file.parent.iterdir() if each.suffix == ".py" or (each / "__init__.py").exists()
        }
        if names:
            assert {*names} == inside - {"__init__"}, file


def test_files_are_short() -> None:
    lengths = {name: len(file.read_text(encoding="utf-8").splitlines()) for name, file in NAMES.items()}

    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


LOADED = """
import sys
sys.argv = ["inception-dsl", *sys.argv[1:]]
if sys.argv[1:]:
    from inception_dsl.cli.main import main
    try:
        main()
    except SystemExit as stop:
        assert not stop.code, stop.code
else:
    import inception_dsl
print(*{name.partition(".")[0] for name in sys.modules}, *sys.modules, file=sys.stderr)
"""


def loaded(*arguments: str) -> set[str]:
    """What a process has loaded after a command, or after `import inception_dsl`."""
    command = [sys.executable, "-c", LOADED, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


def test_the_import_loads_nothing_heavy() -> None:
    assert not loaded() & {"torch", "onnx", "numpy", "pydantic", "jinja2", "click"}


def test_the_public_names_are_listed_for_completion() -> None:
    assert {"load", "loads", "Network", "SpecError"} <= {*inception_dsl.__all__} <= {*dir(inception_dsl)}


def test_little_is_loaded_before_ctrl_c_is_a_code() -> None:
    """Until `run` is called, Ctrl-C is a traceback: so nothing is imported that Python has not loaded itself."""
    script = "import sys; before = {*sys.modules}; import inception_dsl.__main__; print(*{*sys.modules} - before)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)

    assert {*done.stdout.split()} <= {"__future__", "inception_dsl", "inception_dsl.__main__"}


@pytest.mark.parametrize("command", ["check", "draw", "show"])
def test_a_check_loads_nothing_heavy(command: str) -> None:
    assert not loaded(command, "specs/googlenet.yaml") & {"torch", "onnx", "numpy", "jinja2", "pygls", "lsprotocol"}


def test_a_compilation_loads_no_framework_and_no_page(tmp_path: Path) -> None:
    found = loaded("compile", "specs/googlenet.yaml", "--out", str(tmp_path))

    assert not found & {"torch", "onnx", "numpy"}
    assert not {name for name in found if name.startswith("inception_dsl.emit.page.")}


SKIPPED = {".git", ".venv", "__pycache__", "build", "dist", "node_modules"}


def repository() -> Iterator[Path]:
    """The files of the repository that are text, without what tools leave in it."""
    for path in ROOT.rglob("*"):
        parts = path.relative_to(ROOT).parts
        left = (
            SKIPPED & {*parts}
            or any(part.endswith(("_cache", ".egg-info")) for part in parts)
            or ".hypothesis" in parts
        )
        if path.is_file() and not left and path.suffix not in (".onnx", ".pyc"):
            yield path


def test_no_file_names_a_place_on_some_machine() -> None:
    place = re.compile(rb"(?<![\w.*])(?:/(?:home|root|Users|work|srv)/\w|[A-Z]:\\Users)")
    named = {str(path.relative_to(ROOT)) for path in repository() if place.search(path.read_bytes())}

    assert not named


def documented(module: ModuleType) -> Iterator[tuple[str, bool]]:
    """Every public name that a module defines, and whether a docstring says what it is."""
    yield module.__name__, bool(module.__doc__) or Path(module.__file__ or "").stat().st_size == 0
    for name, thing in vars(module).items():
        if name.startswith("_") or getattr(thing, "__module__", "") != module.__name__:
            continue
        if inspect.isfunction(thing):
            yield name, bool(thing.__doc__)
        elif inspect.isclass(thing):
            # dataclasses and named tuples give themselves a docstring: their signature
            yield name, not (thing.__doc__ or f"{name}(").startswith(f"{name}(")
            for member, value in vars(thing).items():
                if not member.startswith("_") and (inspect.isfunction(value) or isinstance(value, property)):
                    yield f"{name}.{member}", bool(inspect.getdoc(getattr(thing, member)))


@pytest.mark.extras
@pytest.mark.parametrize("name", NAMES)
def test_public_names_are_documented(name: str) -> None:
    module = importlib.import_module(f"inception_dsl.{name}".rstrip("."))

    assert [public for public, documentation in documented(module) if not documentation] == []
