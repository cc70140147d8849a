"""What `train` does to a folder that has a run already: goes on with it, finds it done, or leaves it as it is."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from inception_dsl.cli.main import main
from inception_dsl.emit.runner.runner import fingerprint, former_fingerprint
from inception_dsl.network import load
from inception_dsl.recipes.recipe import recipe
from inception_dsl.runner.record.checkpoint import load_checkpoint, save_checkpoint
from inception_dsl.training import launch
from inception_dsl.training.card import write_card
from inception_dsl.training.export import export

pytestmark = pytest.mark.extras  # a run trains

SPEC = "specs/googlenet_bn_small.yaml"
FEW = ("--set", "data.batch=8", "--set", "data.workers=0", "--set", "run.log_every=1", "--set", "optim.lr=0.05")


def train(spec: str | Path, out: Path, *arguments: str) -> Result:
    """What `train` gives."""
    return CliRunner().invoke(main, ["train", str(spec), "--out", str(out), *arguments])


def again(out: Path, *arguments: str) -> Result:
    """The command that made the run, with more after it."""
    return train(SPEC, out, "--data", "fake:32x10", *FEW, *arguments)


def content(folder: Path) -> dict[str, bytes]:
    """All files of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def body(file: Path) -> str:
    """A file below the lines that say what it was made from."""
    return file.read_text(encoding="utf-8").partition("# sha256 of what follows: ")[2]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was done after one step."""
    out = tmp_path_factory.mktemp("runs") / "first"
    done = again(out, "--steps", "1")
    assert done.exit_code == 0, done.output
    return out


def test_a_run_that_is_done_is_only_exported(run: Path, launched: list[Sequence[str]]) -> None:
    before = content(run)
    for name in ("README.md", "classes.txt", "model.onnx", "model.py"):
        (run / "model" / name).unlink()  # as torchrun leaves it
    (run / "curves.svg").unlink()
    done = again(run, "--steps", "1")

    assert done.exit_code == 0, done.output
    assert not launched
    assert content(run) == before
    assert f"{run} has done 1 of 36 steps; to go on, leave --steps out, or set more" in done.output


def test_the_spec_of_a_run_has_the_classes_of_its_images(tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = train(SPEC, out, "--data", "fake:32x7", *FEW, "--steps", "1")
    assert done.exit_code == 0, done.output
    spec, weights = str(out / "spec.yaml"), str(out / "model" / "model.safetensors")
    typed = load(spec).typed
    assert typed.weights["fc.weight"].shape == (7, 288)
    assert (typed.program.name, "1x1x10" in (out / "spec.yaml").read_text()) == ("googlenet_bn_small", False)

    for words in (
        ["check", spec],  # a printed number of the 10 classes would be wrong
        ["export", spec, "--weights", weights, "--out", str(tmp_path / "x.onnx"), "--no-verify"],
        ["eval", spec, weights, "--data", "fake:32x7"],
        ["weights", "import", spec, weights, "--out", str(tmp_path / "x.safetensors")],
    ):
        used = CliRunner().invoke(main, words)
        assert used.exit_code == 0, used.output
        assert "W131" not in used.output

    again = train(spec, tmp_path / "again", "--steps", "1")
    assert again.exit_code == 0, again.output
    assert (tmp_path / "again" / "model" / "model.safetensors").read_bytes() == Path(weights).read_bytes()


def test_a_run_is_evaluated_on_images_as_its_own(run: Path, tmp_path: Path) -> None:
    """By whatever spec of the network: here by one of another mean."""
    spec = tmp_path / "spec.yaml"
    spec.write_text(Path(SPEC).read_text().replace("mean: [0.286]", "mean: [0.7]"))
    logged = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])["test_loss"]
    for weights in ("model/model.safetensors", "checkpoints/best.pt", ""):
        done = CliRunner().invoke(
            main, ["eval", str(spec), str(run / weights), "--data", "fake:32x10", "--format", "json"]
        )
        assert done.exit_code == 0, done.output
        result = json.loads(done.stdout)["result"]
        assert result["images"].startswith("images: mean 0.286, as `")
        assert result["protocols"]["recipe"]["nll"] == pytest.approx(logged, rel=1e-4)


@pytest.mark.parametrize("spec", [SPEC, "spec.yaml"])
def test_a_run_of_version_0_1_goes_on(run: Path, tmp_path: Path, launched: list[Sequence[str]], spec: str) -> None:
    """Its fingerprint covers the spec's own classes and printed numbers."""
    shutil.copytree(run, out := tmp_path / "run")
    former = former_fingerprint(load(SPEC).typed)
    assert former != fingerprint(load(SPEC).typed)
    state = load_checkpoint(out / "checkpoints" / "step_00000001.pt")
    state["identity"]["spec"] = former
    save_checkpoint(out / "checkpoints", 1, state, 1)
    assert train(SPEC if spec == SPEC else out / spec, out, "--data", "fake:32x10", *FEW).exit_code == 75
    assert f'spec="{former}"' in (out / "train.py").read_text()
    assert len(launched) == 1


def test_the_spec_of_a_run_is_that_run(run: Path, tmp_path: Path, launched: list[Sequence[str]]) -> None:
    before = (run / "spec.yaml").read_bytes()
    done = train(run / "spec.yaml", run, "--steps", "1")
    assert done.exit_code == 0, done.output
    assert not launched

    stopped = train(run / "spec.yaml", run)
    assert stopped.exit_code == 75, stopped.output
    assert f"saved in {run}\n" in stopped.output  # and train.py says how to go on

    other = tmp_path / "other"
    assert "nothing to save: no step was done" in train(run / "spec.yaml", other).output
    assert (other / "spec.yaml").read_bytes() == (run / "spec.yaml").read_bytes() == before
    assert all(body(other / name) == body(run / name) for name in ("train.py", "support.py"))
    assert len(launched) == 2


@pytest.mark.parametrize("arguments", [("--steps", "2"), (), ("--steps", "1", "--resume", "never")])
def test_what_is_not_done_is_launched(run: Path, launched: list[Sequence[str]], arguments: Sequence[str]) -> None:
    assert again(run, *arguments).exit_code == 75
    assert len(launched) == 1


@pytest.mark.parametrize("word", ["running", "failed", "preempted"])
def test_a_run_that_was_not_ended_is_launched(run: Path, launched: list[Sequence[str]], word: str) -> None:
    (run / "STATUS").write_text(word)
    assert again(run, "--steps", "1").exit_code == 75
    (run / "STATUS").write_text("done\n")
    assert len(launched) == 1


@pytest.mark.parametrize(
    ("spec", "arguments", "message"),
    [
        (SPEC, ("--data", "fake:32x10", "--set", "optim.lr=0.3"), "optim.lr was 0.05, is 0.3"),
        (SPEC, ("--data", "fake:32x10", "--set", "run.seed=7"), "run.seed was 0, is 7"),
        (SPEC, ("--data", "fake:48x10"), "images was"),
        ("specs/nin.yaml", ("--data", "fake:32x10"), "spec was"),
    ],
)
def test_a_run_of_another_kind_is_refused_and_leaves_all_as_it_was(
    run: Path, launched: list[Sequence[str]], spec: str, arguments: Sequence[str], message: str
) -> None:
    before = content(run)
    refused = train(spec, run, *FEW, *arguments)

    assert refused.exit_code == 2
    assert "error[E008]" in refused.output and str(run) in refused.output.replace("\n", "")
    assert message in refused.output and "--force" in refused.output
    assert content(run) == before
    assert not launched


def test_a_run_of_another_kind_can_be_forced(run: Path, tmp_path: Path, launched: list[Sequence[str]]) -> None:
    shutil.copytree(run, tmp_path / "run")
    assert again(tmp_path / "run", "--set", "optim.lr=0.3", "--steps", "1", "--force").exit_code == 75
    assert "lr=0.3,  # --set" in (tmp_path / "run" / "train.py").read_text()
    assert "--force" in launched[0]


def test_what_the_machine_decides_may_change(run: Path, tmp_path: Path, launched: list[Sequence[str]]) -> None:
    shutil.copytree(run, tmp_path / "run")
    assert again(tmp_path / "run", "--set", "data.workers=1", "--set", "run.save_every=7").exit_code == 75
    assert "save_every=7,  # --set" in (tmp_path / "run" / "train.py").read_text()


HOLD = """
import sys
from pathlib import Path
from inception_dsl.runner.record.checkpoint import FolderLock
with FolderLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("arguments", [("--set", "optim.lr=0.3"), ("--force",), ()])
def test_a_run_at_work_is_left_alone(run: Path, launched: list[Sequence[str]], arguments: Sequence[str]) -> None:
    command = [sys.executable, "-c", HOLD, str(run)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline() == b"held\n"
        before = content(run)
        refused = again(run, *arguments)
        assert process.stdin
        process.stdin.close()

    assert refused.exit_code == 2
    assert "another run writes here" in refused.output
    assert content(run) == before
    assert not launched


def test_the_spec_of_a_run_says_where_its_images_are(
    tmp_path: Path, launched: list[Sequence[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = Path(SPEC).absolute()
    (tmp_path / "images" / "train" / "cat").mkdir(parents=True)
    (tmp_path / "images" / "train" / "cat" / "1.png").touch()
    monkeypatch.chdir(tmp_path)
    train(spec, Path("one"))
    train(spec, Path("two"), "--data", "folder:images", "--set", "augment.area=[0.1, 1.0]")

    one, two = (recipe(load(Path(name, "spec.yaml")).typed.program) for name in ("one", "two"))
    assert one and one.config().data.source == "builtin:fashion-mini"
    assert 'source="idx:' in Path("one", "train.py").read_text()
    assert two and two.config().data.source == f"folder:{tmp_path / 'images'}"
    assert two.config().augment.area == (0.1, 1.0)
    assert two.notes["data.source"] == "--data"


@pytest.mark.parametrize("assignment", ["optim.lr=-1.0", "optim.name=adam", "run.keep=2000000000"])
def test_settings_that_no_spec_can_state_are_reported(
    tmp_path: Path, launched: list[Sequence[str]], assignment: str
) -> None:
    result = again(tmp_path / "run", "--set", assignment)

    assert result.exit_code in {1, 2}
    assert assignment.partition("=")[0].partition(".")[2] in result.output
    assert not launched and not (tmp_path / "run").exists()


def test_torch_is_asked_for_by_its_extra(tmp_path: Path) -> None:
    code = "import sys; sys.modules['torch'] = None; from inception_dsl.cli.main import main; main()"
    for words in (["train", SPEC, "--out", tmp_path / "run"], ["eval", SPEC, "model.safetensors"]):
        result = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
        assert result.returncode == 2 and "error[E005]" in result.stderr, result.stderr
    assert not (tmp_path / "run").exists()


def test_a_bad_spec_is_reported_before_torch_is_imported() -> None:
    """Torch takes seconds to import."""
    code = "import sys; sys.modules['torch'] = None; from inception_dsl.cli.main import main; main()"
    for words in (["train", "none.yaml"], ["eval", "none.yaml", "model.safetensors"]):
        done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 2 and "error[E001]" in done.stderr, done.stderr


@pytest.mark.parametrize("name", ["file", "file/run"])
def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    result = again(tmp_path / name)

    assert result.exit_code == 2
    assert "error[E006]" in result.output


def test_a_folder_of_broken_checkpoints_is_reported(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    for each in (tmp_path / "run" / "checkpoints").glob("*.pt"):
        each.write_bytes(b"broken")
    result = again(tmp_path / "run")

    assert result.exit_code == 2
    assert "every checkpoint is broken" in result.output


@pytest.mark.parametrize(("writes", "given", "code"), [(True, 1, 75), (True, 75, 75), (False, 2, 2), (True, 0, 0)])
def test_only_this_run_says_that_it_was_preempted(tmp_path: Path, writes: bool, given: int, code: int) -> None:
    """A run that could not start leaves the word of the one before, which must not be taken for its own."""
    (tmp_path / "STATUS").write_text("preempted\n")
    script = (
        f"import pathlib, sys\n{writes} and pathlib.Path(sys.argv[1]).write_text('preempted\\n')\nsys.exit({given})"
    )
    (tmp_path / "train.py").write_text(script)

    assert launch.launch(tmp_path, [str(tmp_path / "STATUS")]) == code


def test_a_card_says_how_long_the_run_was(run: Path, tmp_path: Path) -> None:
    progress, model = "Steps done: 1. Epochs done: 0.25, of 9.", run / "model"
    assert progress in (model / "README.md").read_text()

    facts = json.loads((model / "config.json").read_text())
    del facts["trained"]  # as a run of an older version leaves it
    (tmp_path / "config.json").write_text(json.dumps(facts))
    write_card(tmp_path, "")
    assert (tmp_path / "README.md").read_text() == (model / "README.md").read_text().replace(f"{progress}\n\n", "")


def edited(folder: Path) -> Path:
    """A spec whose `relu`s are gone since its run was started."""
    spec = folder / "googlenet_bn_small.yaml"
    spec.write_text(Path(SPEC).read_text().replace("same bn relu", "same bn"))
    assert spec.read_text() != Path(SPEC).read_text()
    return spec


def test_what_is_exported_is_the_runs_own_network(run: Path, tmp_path: Path, launched: list[Sequence[str]]) -> None:
    """Not what the spec has become while the run trained."""
    shutil.copytree(run, folder := tmp_path / run.name)  # files cite a spec by its folder
    (folder / "model" / "model.onnx").unlink()
    export(folder)
    assert (folder / "model" / "model.onnx").read_bytes() == (run / "model" / "model.onnx").read_bytes()
    assert not launched


def test_weights_of_another_network_are_warned_of(run: Path, tmp_path: Path) -> None:
    weights = str(run / "model" / "model.safetensors")
    own, other = (
        CliRunner().invoke(main, ["eval", str(spec), weights, "--data", "fake:32x10"])
        for spec in (SPEC, edited(tmp_path))
    )
    assert [own.exit_code, other.exit_code] == [0, 0]
    assert "W131" not in own.output
    assert f"warning[W131]: `{weights}` was trained for another network than" in other.output


@pytest.mark.parametrize(
    ("old", "new", "arguments", "message"),
    [
        ("fc {classes}", "fc 10", (), "the spec fixes the number of classes"),
        ("x", "x", ("--set", "data.height=16"), "data.height is the network's input"),
        ("x", "x", ("--out", ""), "--out is empty"),
    ],
)
def test_later_failures_are_reported_first(
    tmp_path: Path, launched: list[Sequence[str]], old: str, new: str, arguments: Sequence[str], message: str
) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(Path(SPEC).read_text().replace(old, new))
    done = train(spec, tmp_path / "run", *arguments)

    assert done.exit_code in {1, 2}
    assert message in done.output
    assert not launched and not (tmp_path / "run").exists()


@pytest.mark.parametrize(("script", "code"), [("raise SystemExit(3)", 3), ("import os; os.kill(os.getpid(), 9)", 137)])
def test_an_exit_code_is_as_a_shell_says_it(tmp_path: Path, script: str, code: int) -> None:
    (tmp_path / "train.py").write_text(script)
    assert launch.launch(tmp_path, []) == code


def test_interrupts_are_waited_through(tmp_path: Path) -> None:
    """Ctrl-C goes to all of a terminal's processes: the run saves, and its launcher waits for that."""
    (tmp_path / "train.py").write_text(
        "import os, signal, time\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "for _ in range(2):\n    os.kill(os.getppid(), signal.SIGINT); time.sleep(0.3)\n"
        "open(os.path.join(os.path.dirname(__file__), 'STATUS'), 'w').write('preempted')\n"
        "raise SystemExit(75)\n"
    )
    assert launch.launch(tmp_path, []) == launch.PREEMPTED


def test_weights_of_a_run_that_is_not_done_are_its_checkpoints(run: Path, tmp_path: Path) -> None:
    shutil.rmtree(shutil.copytree(run, out := tmp_path / "run") / "model")
    refused = CliRunner().invoke(main, ["eval", SPEC, str(out), "--data", "fake:32x10"])
    assert refused.exit_code == 2
    assert f"name a checkpoint of it, such as {out}/checkpoints/best.pt" in " ".join(refused.output.split())


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "foldr:images",
            "foldr:images: there is no kind `foldr`; did you mean `folder`? The kinds are `folder`, `csv`",
        ),
        ("bultin:fashion-mini", "did you mean `builtin`?"),
        (
            "images",
            "images: the kind is missing; write it before the path, as in folder:images; the kinds are `folder`",
        ),
        ("", "no images: name their source with --data"),
        ("folder:", "folder:: the path is missing; write it after the colon, as in folder:DIR or csv:FILE"),
    ],
)
def test_a_source_of_images_that_is_none_is_reported_with_the_cure(tmp_path: Path, source: str, message: str) -> None:
    for words in (["train", SPEC, "--out", tmp_path / "run"], ["eval", SPEC, tmp_path / "model.safetensors"]):
        refused = CliRunner().invoke(main, [*map(str, words), "--data", source])
        said = " ".join(refused.output.split())
        assert refused.exit_code == 2 and message in said
        assert not source.startswith(("foldr", "images")) or "and `builtin`" in said
    assert not (tmp_path / "run").exists()
