"""The specs that come with the tool: found by name from any folder, extended from any spec, and packed with it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from cli_runner import cli as run

from inception_dsl import compilation, compiler, load, loads
from inception_dsl.analysis.cost import cost
from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.files import builtin
from inception_dsl.files.modeline import with_modeline
from inception_dsl.spec import discovery

ROOT = Path(__file__).parent.parent
SPECS = ROOT / "specs"
NAMES = sorted(path.relative_to(SPECS).with_suffix("").as_posix() for path in SPECS.rglob("*.yaml"))
NAMES.remove("claims")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that has no specs, where commands are started."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_spec_of_the_repository_is_built_in() -> None:
    found = [str(path) for path in discovery.find_specs(["builtin:"])]

    assert sorted(builtin.spec_names()) == sorted([*NAMES, "claims"])
    assert sorted(found) == sorted(f"builtin:{name}.yaml" for name in NAMES)
    assert found[0] == "builtin:alexnet.yaml", "the files of a folder come before those of its folders"


def test_a_name_needs_no_folder() -> None:
    """Unless two built-in specs have it, which would be two networks of one name."""
    assert len({name.rpartition("/")[2] for name in NAMES}) == len(NAMES)
    assert compiler.load("builtin:squeezenet1_1") == compiler.load("builtin:zoo/squeezenet1_1.yaml")
    assert len(discovery.find_specs(["builtin:squeezenet1_1", "builtin:zoo/squeezenet1_1", "builtin:zoo"])) == len(
        [name for name in NAMES if name.startswith("zoo/")]
    )
    assert "did you mean `squeezenet1_1`?" in run("show", "builtin:squezenet1_1").stderr
    assert "did you mean the built-in `builtin:squeezenet1_1.yaml`?" in run("show", "specs/squeezenet1_1.yaml").stderr


@pytest.mark.parametrize("name", ["googlenet", "googlenet.yaml", "googlenet_separable"])
def test_a_name_gives_what_the_file_gives(name: str, elsewhere: Path) -> None:
    """Whatever it is called by, but for the command that the files cite, which gives the very same ones."""
    file = ROOT / "specs" / f"{name.removesuffix('.yaml')}.yaml"
    for spec, out in ((f"builtin:{name}", "one"), (str(file), "other")):
        assert run("compile", spec, "--out", out).exit_code == 0
    one, other = (
        {path.relative_to(out): path.read_bytes() for path in Path(out).rglob("*") if path.is_file()}
        for out in ("one", "other")
    )

    model = Path(file.stem, "model.py")
    cited = f"inception-dsl compile builtin:{file.name}"
    assert run(*cited.split()[1:]).exit_code == 0
    again = {path: Path("generated", path).read_bytes() for path in one}

    assert len(one) >= 4 and one.keys() == other.keys()
    assert one == again
    assert one[model].decode().replace(cited, f"inception-dsl compile specs/{file.name}") == other[model].decode()


def test_a_group_is_a_folder() -> None:
    group = "ablations/googlenet_bn_small"
    files = sorted((ROOT / "specs" / group).glob("*.yaml"))
    found = discovery.find_specs([f"builtin:{group}"])

    assert builtin.groups() == ["ablations", group, "zoo"] and len(files) > 10
    assert [str(path) for path in found] == [f"builtin:{group}/{file.name}" for file in files]
    assert discovery.find_specs([f"builtin:{group}/"]) == found
    assert compiler.load(f"builtin:{group}/no_bn") == compiler.load(ROOT / "specs" / group / "no_bn.yaml")
    assert "did you mean `ablations/googlenet_bn_small/no_bn`" in run("show", f"builtin:{group}/no_bm").stderr


def test_the_same_spec_under_two_names_is_one() -> None:
    assert len(discovery.find_specs(["builtin:nin", "builtin:nin.yaml"])) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        *(("compile", "{}"), ("check", "{}"), ("show", "{}"), ("show", "{}", "--resolved"), ("train", "{}")),
        *(("show", "{}", "--after", "elaborate"), ("specs", "googlnet")),
        pytest.param(("eval", "{}", "w.safetensors"), marks=pytest.mark.extras),
        *(("export", "{}", "--init", "0", "--out", "x.onnx"), ("weights", "import", "{}", "x.pth", "--from", "timm")),
        ("weights", "export", "{}", "x.safetensors", "--to", "timm"),
        ("claims", "{}"),
    ],
    ids=" ".join,
)
def test_every_command_that_takes_a_spec_takes_a_name(arguments: tuple[str, ...]) -> None:
    """And says which one may be meant where there is none of the name."""
    done = run(*(argument.format("builtin:googlnet") for argument in arguments))

    assert done.exit_code == 2
    assert "there is no built-in spec `googlnet`" in done.stderr
    assert "help: did you mean `googlenet`?" in done.stderr


@pytest.mark.parametrize(
    "name",
    ["", "../pyproject", "/etc/passwd", "claims.yaml.yaml", "a\nb", "x" * 9999, "\0", "ablations/../nin", "ablations"],
)
def test_a_name_is_no_path(name: str) -> None:
    with pytest.raises(SpecError) as caught:
        load(f"builtin:{name}")

    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["E001"]


def test_a_file_that_is_not_there_may_be_built_in() -> None:
    done = run("check", "specs/inception_v3.yaml")

    assert done.exit_code == 2
    assert "help: did you mean the built-in `builtin:inception_v3.yaml`?" in done.stderr


def test_claims_are_built_in_too() -> None:
    done = run("claims", "builtin:claims")

    assert done.exit_code == 0
    assert "0 mismatches" in done.stdout
    assert run("check", "builtin:claims").stdout == done.stdout


# --- extending --------------------------------------------------------------------------------------------------------


def test_a_spec_anywhere_extends_a_built_in_one(elsewhere: Path) -> None:
    """Also by way of another file, and of a built-in variant; blame says where each line is from."""
    Path("first.yaml").write_text("extends: builtin:googlenet_separable\nnetwork: first\n", encoding="utf-8")
    Path("second.yaml").write_text("extends: first.yaml\nnetwork: second\ntitle: Second\n", encoding="utf-8")
    done = run("check", "second.yaml")
    blamed = compilation.print_resolved("second.yaml", blame=True)

    assert done.exit_code == 0, done.stderr
    assert "64 printed numbers: 39 exact, 16 rounds, 9 errata, 0 mismatches" in done.stdout
    files = {word.partition(".yaml")[0] for line in blamed.splitlines() for word in line.split() if ".yaml:" in word}
    assert files == {"second", "builtin:googlenet_separable", "builtin:googlenet"}


def test_a_text_extends_a_built_in_one() -> None:
    made = loads("extends: builtin:googlenet.yaml\nnetwork: mine\noverride: {rows: {conv1: {layer: conv 7x7/2 32}}}\n")

    assert made.typed.out("conv1").channels == 32
    with pytest.raises(SpecError, match="only a spec in a file can extend another file"):
        loads("extends: googlenet.yaml\nnetwork: mine\n")


@pytest.mark.parametrize(
    ("base", "hint"),
    [
        ("builtin:googlnet.yaml", "did you mean `googlenet`?"),
        ("builtin:../specs/googlenet.yaml", "`inception-dsl specs` lists them"),
        ("googlenet.yaml", "did you mean the built-in `builtin:googlenet.yaml`?"),
        ("specs/nin", "did you mean the built-in `builtin:nin.yaml`?"),
    ],
)
def test_where_a_base_is_found(base: str, hint: str) -> None:
    Path("mine.yaml").write_text(f"extends: {base}\nnetwork: mine\n", encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        compiler.load("mine.yaml")
    (diagnostic,) = caught.value.diagnostics

    assert (diagnostic.code, diagnostic.help) == ("E120", hint)
    assert diagnostic.span
    assert str(diagnostic.span) == "mine.yaml:1:10"


@pytest.mark.parametrize("base", ["loop.yaml", "builtin:loop"])
@pytest.mark.parametrize("path", ["loop.yaml", "builtin:loop", "builtin:loop.yaml"])
def test_a_built_in_spec_that_extends_itself_is_a_cycle(
    base: str, path: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whatever it calls itself."""
    monkeypatch.setattr(builtin, "folder", lambda: str(tmp_path))
    Path("loop.yaml").write_text(f"extends: {base}\nnetwork: loop\n", encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        compiler.load(path)

    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["E121"]


# --- the list ---------------------------------------------------------------------------------------------------------


def test_the_list_is_computed() -> None:
    data = json.loads(run("specs", "--format", "json").stdout)["result"]
    net = load("builtin:googlenet")

    assert [each["spec"] for each in data["specs"]] == [str(path) for path in discovery.find_specs(["builtin:"])]
    (entry,) = (each for each in data["specs"] if each["network"] == "googlenet")
    assert (entry["params"], entry["macs"]) == (cost(net.typed).trunk.params, cost(net.typed).trunk.macs)
    assert sum(entry["verdicts"].values()) == len(net.check().verdicts)


def test_the_list_is_a_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(builtin, "folder", lambda: str(tmp_path))
    for name in ("googlenet", "nin"):
        Path(f"{name}.yaml").write_text((ROOT / f"specs/{name}.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    done = run("specs")

    assert done.stdout == (
        "name          params            ops  exact  rounds  erratum  MISMATCH  title\n"
        "googlenet  6,998,552  1,582,671,872     39      13       12         0  GoogLeNet (Inception v1)\n"
        "nin        7,595,176  1,100,188,800     17       0        0         0  NIN for ImageNet\n"
    )


def test_what_does_not_hold_is_in_the_list_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(builtin, "folder", lambda: str(tmp_path))
    Path("broken.yaml").write_text("network: [", encoding="utf-8")
    Path("good.yaml").write_text((ROOT / "specs/nin.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    done = run("specs")

    assert done.exit_code == 1
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["name", "nin"]
    assert "builtin:broken.yaml:1:" in done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_the_text_of_a_spec_is_copied_to_any_place(name: str) -> None:
    """It is the file's, but that its base is the built-in one, and that the path of its schema leads nowhere."""
    text = with_modeline((ROOT / "specs" / f"{name}.yaml").read_text(encoding="utf-8"), "")
    copy = run("specs", name).stdout
    Path("mine.yaml").write_text(copy, encoding="utf-8")

    assert copy.replace("extends: builtin:", "extends: ") == text.replace("extends: builtin:", "extends: ")
    assert compiler.load("mine.yaml") == compiler.load(f"builtin:{name}")
    if name == "googlenet":
        assert json.loads(run("specs", name, "--format", "json").stdout)["result"] == {"spec": text}


# --- the package ------------------------------------------------------------------------------------------------------


def test_the_wheel_has_them(elsewhere: Path) -> None:
    """Built from this tree, and used from another folder with nothing of the tree on the path."""
    pytest.importorskip("hatchling", reason="the build backend is not installed")
    built = [sys.executable, "-c", f"from hatchling.build import build_wheel; build_wheel({str(elsewhere)!r})"]
    subprocess.run(built, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = elsewhere.glob("*.whl")
    with ZipFile(wheel) as file:
        file.extractall("installed")
    command = "import sys; sys.path[:0] = ['installed']; from inception_dsl.cli.main import main; main(sys.argv[1:])"
    for arguments in (["check", "builtin:googlenet"], ["compile", "builtin:googlenet", "--out", "made"]):
        done = subprocess.run(
            [sys.executable, "-P", "-c", command, *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    again = run("compile", "--check", "builtin:googlenet", "--out", "made")

    installed = Path("installed/inception_dsl/specs")
    names = builtin.spec_names()
    assert sorted(str(path.relative_to(installed)) for path in installed.rglob("*.yaml")) == sorted(
        f"{name}.yaml" for name in names
    )
    assert again.exit_code == 0, again.stdout + again.stderr
