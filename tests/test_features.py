"""`features`: the example in docs/features.md gives what torchmetrics' own network gives, and bad input is refused."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx as standard
import pytest
import torch
from cli_runner import cli
from library_networks import running, spec
from PIL import Image
from test_architecture import LOADED
from test_readme import ROOT, blocks
from torchvision.models.feature_extraction import create_feature_extractor

from inception_dsl.crosscheck.compare import TOLERANCE
from inception_dsl.evaluation import features
from inception_dsl.evaluation.images import prepared, read_image
from inception_dsl.network import load
from inception_dsl.weights import deploy
from inception_dsl.weights.drawn import draw
from inception_dsl.weights.matching import match
from inception_dsl.weights.preprocessing import KEY, Preprocessing
from inception_dsl.weights.published import PUBLISHED, PublishedWeights

(SESSION,) = blocks("docs/features.md", "console")
TORCHMETRICS, OF_A_RUN = blocks("docs/features.md", "python")
NUMBER = re.compile(r"\d+e-\d+ of their range \(`\w+`\)")
"""How far onnxruntime and PyTorch lie apart, and where most, depends on the machine."""
PICTURES = {"photos": 8, "samples": 4}


def save(path: Path, seed: int, size: tuple[int, int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((size[1] * 4, size[0] * 4)).save(path)


@pytest.fixture(scope="module")
def fid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the example, with made weights in the file's layout and made images, after its commands."""
    folder = tmp_path_factory.mktemp("fid")
    names = match(spec("inception_v3_fid"), "torch-fidelity").theirs
    weights = running("inception_v3_fid")[1]
    state = {other: torch.tensor(weights.get(own, 0)) for own, other in names.items()}
    (file,) = re.findall(r"\S+\.pth", SESSION.partition("\n")[0])
    torch.save(state, folder / file)
    (folder / "specs").symlink_to(ROOT / "specs")
    for name, count in PICTURES.items():
        for at in range(count):
            save(folder / name / ("more" if at % 3 else "") / f"{at}.png", at, (30 + at, 40))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        (published,) = PUBLISHED["torch-fidelity"].values()
        known = PublishedWeights(published.tags, {digest(file): next(iter(published.tags))})
        patch.setitem(PUBLISHED["torch-fidelity"], "inception-v3-compat", known)
        for command in SESSION.split("$ inception-dsl ")[1:]:
            line, *shown = command.rstrip("\n").split("\n")
            result = cli(*line.split())
            assert result.exit_code == 0, result.output
            assert shown == ["..."] or NUMBER.sub("N", result.stdout) == NUMBER.sub("N", "\n".join(shown) + "\n")
        yield folder


def digest(file: str) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()[:8]


def own_number(width: int) -> float:
    """The distance with torchmetrics' own network and the same file of weights, from the images themselves."""
    metric = pytest.importorskip("torchmetrics.image.fid").FrechetInceptionDistance
    (weights,) = Path.cwd().glob("*.pth")
    own = metric(width, antialias=False, feature_extractor_weights_path=str(weights))
    for name in PICTURES:
        for file in sorted(Path(name).rglob("*.png")):
            own.update(torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1)[None], real=name == "photos")
    return float(own.compute())


def number(width: int, row: str) -> float:
    """The number that the page's code prints for the features of a row."""
    printed: list[float] = []
    code = TORCHMETRICS.replace("2048", str(width)).replace('"pool"', f'"{row}"')
    exec(code, {"print": lambda value: printed.append(float(value))})  # noqa: S102 - our own page
    return printed[-1]


@pytest.mark.parametrize(("width", "row"), [(64, "pool_3a"), (192, "pool_5a")])
def test_fid_is_the_number_of_torchmetrics_own_network(width: int, row: str, fid: Path) -> None:
    """2048 features take torchmetrics longer: `nightly/test_fid_of_2048.py`."""
    assert number(width, row) == pytest.approx(own_number(width), rel=1e-3)


@pytest.mark.filterwarnings("ignore:The `disp` argument:DeprecationWarning")  # of scipy, for pytorch-fid
def test_pytorch_fid_takes_the_features_too(fid: Path) -> None:
    distance = pytest.importorskip("pytorch_fid.fid_score").calculate_frechet_distance
    pairs = [(x.mean(0), np.cov(x, rowvar=False)) for x in (np.load(f"{name}.npz")["pool_3a"] for name in PICTURES)]
    assert distance(*pairs[0], *pairs[1]) == pytest.approx(number(64, "pool_3a"), rel=1e-3)


def test_the_names_say_which_row_is_which_image(fid: Path) -> None:
    found = np.load("photos.npz")
    names = [str(name) for name in found["names"]]
    assert names == sorted(names) and names[0] == "photos/0.png" and "photos/more/1.png" in names
    network = features.open_network(Path("fid.onnx"))
    for at in (0, 5):
        given = prepared(read_image(Path(names[at])), network.images)[None]
        np.testing.assert_allclose(network.run(given)["pool"][0], found["pool"][at], rtol=1e-4, atol=1e-5)


def test_it_needs_no_torch(fid: Path) -> None:
    words = ("features", "fid.onnx", "samples/0.png", "--out", "one.npz")
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *words],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stderr.split())
    assert {"onnxruntime", "PIL", "numpy"} <= loaded and not {"torch", "torchvision"} & loaded
    (name,) = np.load("one.npz")["names"]
    assert name == "samples/0.png"


# --- a small network --------------------------------------------------------------------------------------------------

SMALL = """
network: small
input: 3x16x20
layers: |
  name  | layer
  conv1 | conv 3x3 4 same bias relu
  pool  | avgpool global -> flatten
  fc    | fc 5
"""
WANTED = Preprocessing("a test", 24, (16, 20), "bilinear", (0.5, 0.4, 0.3), (0.2, 0.3, 0.4))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with `small.onnx` and three pictures."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(SMALL)
    Path("small.onnx").write_bytes(graph({KEY: WANTED.json}))
    for at, name in enumerate(("b/2.png", "b/10.jpg", "a.png")):
        save(tmp_path / "pictures" / name, at, (9 + at, 11))
    (tmp_path / "pictures" / "notes.txt").write_text("no image")
    (tmp_path / "pictures" / "._a.png").write_bytes(b"left by macOS")
    return tmp_path


def graph(metadata: dict[str, str], taps: tuple[str, ...] = ("conv1",)) -> bytes:
    typed = load("small.yaml").typed
    files = deploy.onnx_files(typed, draw(typed, 0), "x", opset=20, heads=False, taps=taps, metadata=metadata)
    return files["x"]


def edited(change: Callable[[Any], None]) -> bytes:
    """The file of the small network, changed."""
    model = standard.load("small.onnx")
    change(model)
    return bytes(model.SerializeToString())


def test_the_outputs_are_pytorchs(folder: Path) -> None:
    result = cli("features", "small.onnx", "pictures", "--out", "new/x.npz", "--format", "json")
    data = json.loads(result.stdout)
    assert data["result"] == {"images": 3, "outputs": {"logits": [5], "conv1": [4]}, "preprocessing": "a test"}
    assert data["files"] == [{"path": "new/x.npz", "status": "written"}]
    assert cli("features", "small.onnx", "pictures", "--out", "maps.npz", "--maps").exit_code == 0
    found, maps = np.load("new/x.npz"), np.load("maps.npz")
    assert [*found["names"]] == ["pictures/a.png", "pictures/b/10.jpg", "pictures/b/2.png"]

    net = load("small.yaml").build()
    net.load_state_dict({name: torch.from_numpy(x) for name, x in draw(load("small.yaml").typed, 0).items()})
    given = np.stack([prepared(read_image(Path(name)), WANTED) for name in found["names"]])
    with torch.no_grad():
        expected = create_feature_extractor(net.eval(), ["conv1", "fc"])(torch.from_numpy(given))
    np.testing.assert_allclose(found["logits"], expected["fc"], atol=TOLERANCE)
    np.testing.assert_allclose(maps["conv1"], expected["conv1"], atol=TOLERANCE)
    np.testing.assert_allclose(found["conv1"], expected["conv1"].mean((2, 3)), atol=TOLERANCE)


def test_files_come_as_given_and_equal_runs_give_equal_bytes(folder: Path) -> None:
    for out in ("x.npz", "y.npz"):
        result = cli("features", "small.onnx", "pictures/b/2.png", "pictures/a.png", "pictures/b", "--out", out)
        assert result.exit_code == 0
    assert "4 images: logits 5, conv1 4" in result.stdout
    names = [*np.load("x.npz")["names"]]
    assert names == ["pictures/b/2.png", "pictures/a.png", "pictures/b/10.jpg", "pictures/b/2.png"]
    assert Path("x.npz").read_bytes() == Path("y.npz").read_bytes()


def test_a_batch_of_fixed_size_is_filled_up(folder: Path) -> None:
    def fix(model: Any) -> None:
        for value in (*model.graph.input, *model.graph.output):
            value.type.tensor_type.shape.dim[0].dim_value = 2

    fixed = Path("fixed.onnx")
    fixed.write_bytes(edited(fix))
    images, progress = features.find_images([Path("pictures")]), []

    class Noted:
        def __init__(self, text: str) -> None:
            progress.append(text)

        def __enter__(self) -> None: ...

        def __exit__(self, *_: object) -> None: ...

    ours = features.features(features.open_network(fixed), images, progress=Noted)
    wanted = features.features(features.open_network(Path("small.onnx")), images)
    assert progress == ["0 of 3 images", "2 of 3 images"]
    for name, values in wanted.items():
        np.testing.assert_allclose(ours[name], values, atol=TOLERANCE)


def test_the_network_of_a_run_as_the_page_says(folder: Path) -> None:
    Path("model.onnx").write_bytes(graph({}))
    settings = {"input_size": [3, 16, 20], "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4]}
    Path("config.json").write_text(json.dumps({"pretrained_cfg": settings}))
    subprocess.run([sys.executable, "-c", OF_A_RUN], check=True)

    assert "docs/features.md" in refused("model.onnx", "pictures")
    assert cli("features", "features.onnx", "pictures", "--out", "x.npz").exit_code == 0


# --- what is refused --------------------------------------------------------------------------------------------------


def refused(*words: object, code: str = "E137") -> str:
    """The message of a command that fails and leaves the old file as it was."""
    Path("x.npz").write_bytes(b"before")
    result = cli("features", *words, "--out", "x.npz")
    assert result.exit_code == (1 if code.startswith("E1") else 2)
    assert f"error[{code}]" in result.stderr and Path("x.npz").read_bytes() == b"before"
    assert not list(Path.cwd().glob(".inception-dsl*"))
    return " ".join(result.stderr.split())


def rename(model: Any) -> None:
    model.graph.node[-1].output[0] = model.graph.output[0].name = "names"


def lose_the_batch(model: Any) -> None:
    shape = standard.helper.make_tensor("shape", standard.TensorProto.INT64, [1], [-1])
    model.graph.initializer.append(shape)
    model.graph.node.append(standard.helper.make_node("Reshape", ["logits", "shape"], ["flat"]))
    model.graph.output[0].CopyFrom(standard.helper.make_tensor_value_info("flat", standard.TensorProto.FLOAT, [None]))


def fail(model: Any) -> None:
    lose_the_batch(model)
    model.graph.initializer[-1].int64_data[:] = [7]


def grey(model: Any) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 1


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (lambda: b"", "onnxruntime cannot open `bad.onnx`: [ONNXRuntimeError]"),
        (lambda: b"\x08\x09 no graph", "onnxruntime cannot open `bad.onnx`"),
        (lambda: graph({}), "`bad.onnx` does not state how images are prepared: its metadata has no `preprocessing`"),
        (lambda: graph({KEY: "?"}), "`preprocessing` in the metadata of `bad.onnx` is not a JSON object"),
        (lambda: graph({KEY: replace(WANTED, mean=(0.5,) * 4).json}), "has 4 means and 3 deviations for the 3"),
        (lambda: graph({KEY: WANTED.at(32, 32).json}), "but its `preprocessing` gives float images of 3x32x32"),
        (
            lambda: load("small.yaml").onnx(),
            "`bad.onnx` has 5 inputs, such as `conv1.conv.weight`: its weights are not in",
        ),
        (lambda: edited(rename), "an output of `bad.onnx` is called `names`, as the list of the images"),
        (lambda: edited(grey), "`input` of `bad.onnx` is tensor(float) of shape ['N', 1, 16, 20]"),
        (lambda: edited(lose_the_batch), "`flat` of `bad.onnx` has the shape (15,) for 3 images"),
        (lambda: edited(fail), "onnxruntime cannot run `bad.onnx`"),
    ],
)
def test_a_file_that_is_no_network_of_images(file: Callable[[], bytes], message: str, folder: Path) -> None:
    Path("bad.onnx").write_bytes(file())
    assert message in refused("bad.onnx", "pictures")


def test_images_that_cannot_be_read_are_all_named(folder: Path) -> None:
    whole = Path("pictures/b/10.jpg").read_bytes()
    Path("pictures/b/10.jpg").write_bytes(whole[: len(whole) // 2])
    Path("pictures/a.png").write_bytes(b"no image")
    message = refused("small.onnx", "pictures", "--batch", "1", code="E008")
    assert "cannot read the image `pictures/a.png`: not an image file that Pillow knows" in message
    assert "cannot read the image `pictures/b/10.jpg`: image file is truncated" in message
    for at in range(features.MAX_NAMED):
        Path(f"pictures/{at}.png").write_bytes(b"no image")
    assert "2 more images cannot be read" in refused("small.onnx", "pictures", code="E008")


def test_paths_without_images_are_all_named(folder: Path) -> None:
    Path("empty").mkdir()
    message = refused("small.onnx", "empty", "none.png", "pictures", code="E008")
    assert "`empty` has no image in it" in message
    assert "cannot read `none.png`: no such file or directory" in message


def test_an_out_that_cannot_be_written_is_refused_first(folder: Path) -> None:
    for out, reason in (("small.yaml/x.npz", "`small.yaml` is not a folder"), ("pictures.npz", "it is a directory")):
        Path("pictures.npz").mkdir(exist_ok=True)
        result = cli("features", "none.onnx", "pictures", "--out", out)
        assert result.exit_code == 2 and f"cannot write `{out}`: {reason}" in " ".join(result.stderr.split())
    result = cli("features", "small.onnx", "pictures", "--out", "x.npy")
    assert result.exit_code == 2 and "--out is `x.npy`: expected a .npz file" in result.stderr


@pytest.mark.parametrize(
    ("module", "package", "extra"), [("onnxruntime", "onnxruntime", "torch"), ("PIL", "pillow", "train")]
)
def test_a_library_that_is_missing_is_named(
    module: str, package: str, extra: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inception_dsl.crosscheck import executor

    for place in (executor, features):
        right = place.find_spec
        monkeypatch.setattr(place, "find_spec", lambda name, right=right: None if name == module else right(name))
    message = refused("small.onnx", "pictures", code="E005")
    assert f"this needs `{package}`, which is not installed" in message and f"inception-dsl[{extra}]" in message
