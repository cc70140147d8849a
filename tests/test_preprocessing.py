"""Preprocessing of other libraries' weights: the table agrees with the libraries' own transforms."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from hypothesis import example, given, settings
from hypothesis import strategies as st
from library_networks import pytorch_fid_features, torch_fidelity
from PIL import Image
from torch import nn

from inception_dsl.evaluation.images import resized
from inception_dsl.evaluation.preparation import VIEW_SETTINGS, choose_preparation, prepare_as_trained, prepare_image
from inception_dsl.runner.base.config import Augment, Config, Data
from inception_dsl.runner.images.augment import normalise, scale_to_unit, to_channels
from inception_dsl.runner.readers.decode import decode_image
from inception_dsl.weights.names.libraries import BUILTIN_SPECS, LIBRARIES
from inception_dsl.weights.preprocessing import RESIZES, Preprocessing, parse_preprocessing
from inception_dsl.weights.published import PUBLISHED, TWO_SETS

CAT = Path(__file__).parent / "data" / "chelsea.jpg"
CLOSE = 2e-6
"""In normalised values: of torchvision's `transform_input`, which normalises twice, and of keras' other order."""

ROWS = [
    (library, network, tag) for library, known in PUBLISHED.items() for network in known for tag in known[network].tags
]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A photograph at several sizes and shapes: larger and smaller than any input, wide, tall, odd, grey."""
    folder = tmp_path_factory.mktemp("pictures")
    with Image.open(CAT) as image:
        cat = image.convert("RGB")
    made = {
        "own": cat,
        "small": cat.resize((61, 47)),
        "large": cat.resize((811, 1203), Image.Resampling.BICUBIC),
        "wide": cat.crop((3, 60, 374, 160)),
        "tall": cat.crop((100, 0, 213, 249)),
        "grey": cat.convert("L"),
    }
    for name, each in made.items():
        each.save(folder / f"{name}.png")
    return sorted(folder.iterdir())


def theirs(library: str, network: str, tag: str) -> tuple[Callable[[Path], torch.Tensor], bool]:
    """The library's own path from a file to the network's input, and whether ours must give the same bits."""
    if library == "torchvision":
        transforms = torchvision.models.get_model_weights(network)[tag].transforms()
        if network not in {"googlenet", "inception_v3"}:
            return lambda file: transforms(rgb(file)), True
        make = getattr(torchvision.models, network)
        with torch.device("meta"):  # with the weights, it is made so: see its `weights` parameter
            net = make(weights=None, transform_input=True, init_weights=False)
        return lambda file: net._transform_input(transforms(rgb(file))[None])[0], False
    if library == "timm":
        timm = pytest.importorskip("timm")
        known = timm.models.get_pretrained_cfg(f"{network}.{tag}")
        side = PUBLISHED[library][network].tags[tag].crop[0]
        config = {**timm.data.resolve_data_config(pretrained_cfg=known.to_dict()), "input_size": (3, side, side)}
        transform = timm.data.create_transform(**config)
        return lambda file: transform(rgb(file)), True
    if library in {"pytorch-fid", "torch-fidelity"}:
        return of_fid(library), False
    if library == "pretrainedmodels":
        models = pytest.importorskip("pretrainedmodels")
        options = SimpleNamespace(**models.pretrained_settings[network][tag])
        prepare = pytest.importorskip("pretrainedmodels.utils").TransformImage(options)
        return lambda file: prepare(rgb(file)), True
    if library == "facenet-pytorch":
        facenet = pytest.importorskip("facenet_pytorch", reason="facenet-pytorch is not installed")
        return lambda file: facenet.fixed_image_standardization(whole(facenet, rgb(file))), False
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    modules = {"InceptionV3": "inception_v3", "InceptionResNetV2": "inception_resnet_v2", "Xception": "xception"}
    preprocess = getattr(keras.applications, modules[network]).preprocess_input

    def of_keras(file: Path) -> torch.Tensor:
        image = keras.utils.load_img(file, target_size=(299, 299))  # as keras.io/api/applications has it
        values = preprocess(keras.utils.img_to_array(image, data_format="channels_last"), data_format="channels_last")
        return torch.from_numpy(np.asarray(values).transpose(2, 0, 1).copy())

    return of_keras, False


class Given(Exception):
    """What a network got, in place of what it would give."""


def of_fid(library: str) -> Callable[[Path], torch.Tensor]:
    """What the networks of FID give their first layer."""

    def stop(module: nn.Module, given: tuple[torch.Tensor]) -> None:
        raise Given(given[0][0])

    net = pytorch_fid_features([0]) if library == "pytorch-fid" else torch_fidelity(["64"])
    first = next(module for module in net.modules() if isinstance(module, nn.Conv2d))
    first.register_forward_pre_hook(stop)

    def read(file: Path) -> torch.Tensor:
        values = torch.from_numpy(np.asarray(rgb(file)).copy()).permute(2, 0, 1)[None]
        with pytest.raises(Given) as caught:
            net(values if library == "torch-fidelity" else values / 255)
        found: torch.Tensor = caught.value.args[0]
        return found

    return read


def whole(facenet: Any, image: Image.Image) -> Any:
    """An image as facenet-pytorch cuts out a face that fills it."""
    return facenet.extract_face(image, (0, 0, *image.size))


def rgb(file: Path) -> Image.Image:
    with Image.open(file) as image:
        return image.convert("RGB")


def ours(file: Path, wanted: Preprocessing) -> torch.Tensor:
    """What `eval` gives the network, in the way of `evaluation.crops.cut`."""
    config = Config(data=Data(height=wanted.crop[0], width=wanted.crop[1]))
    found = choose_preparation(wanted, config, "spec.yaml", (), None)
    assert found.view is not None
    image = found.view(decode_image(file.read_bytes(), str(file)), found.config)
    return normalise(scale_to_unit(to_channels(image, 3)), found.config)


@pytest.mark.parametrize(("library", "network", "tag"), ROWS)
def test_images_are_prepared_as_the_library_does(library: str, network: str, tag: str, pictures: list[Path]) -> None:
    expected, exact = theirs(library, network, tag)
    wanted = PUBLISHED[library][network].tags[tag]
    for file in pictures:
        own, other = ours(file, wanted), expected(file)
        assert own.shape == other.shape
        assert torch.equal(own, other) if exact else (own - other).abs().max() < CLOSE, file.name


SIDES = st.integers(1, 60)


@settings(max_examples=60)
@given(st.tuples(SIDES, SIDES), st.tuples(SIDES, SIDES), st.integers(0, 2**32 - 1))
def test_a_resize_without_antialiasing_is_that_of_torch_and_of_tensorflow(
    size: tuple[int, int], wanted: tuple[int, int], seed: int
) -> None:
    module = pytest.importorskip("torch_fidelity.interpolate_compat_tensorflow")
    image: Any = np.random.default_rng(seed).integers(0, 256, (3, *size), dtype=np.uint8)
    batch = torch.from_numpy(image)[None].float()
    expected = {
        "half_pixel": torch.nn.functional.interpolate(batch, wanted, mode="bilinear", align_corners=False),
        "asymmetric": module.interpolate_bilinear_2d_like_tensorflow1x(batch, wanted, align_corners=False),
    }
    for coordinates, values in expected.items():
        how = Preprocessing("", wanted, wanted, "bilinear", (0,), (1,), antialias=False, coordinates=coordinates)
        np.testing.assert_allclose(resized(image, how), values[0].numpy(), atol=1e-3)


def test_every_network_that_is_known_has_its_preprocessing() -> None:
    for library, known in LIBRARIES.items():
        assert {each.name for each in known} == PUBLISHED[library].keys()
        assert BUILTIN_SPECS[library].keys() <= PUBLISHED[library].keys()


def test_torchvisions_files_are_known_by_their_hash() -> None:
    """The names of the downloads end with the first digits of their sha256."""
    for network in TWO_SETS:
        published = PUBLISHED["torchvision"][network]
        known = torchvision.models.get_model_weights(network)
        urls = {tag: known[tag].url for tag in published.tags}
        assert published.files == {url[-12:-4]: tag for tag, url in urls.items()}
        assert published.of("", "0" * 64).resize == 256
        assert published.of("", {tag: digits for digits, tag in published.files.items()}["IMAGENET1K_V2"]).resize == 232


def test_the_weights_of_fid_are_known_by_their_hash() -> None:
    """One file, under two names; it is in no package, so its address is all there is."""
    for library, module, name in (
        ("pytorch-fid", "pytorch_fid.inception", "FID_WEIGHTS_URL"),
        ("torch-fidelity", "torch_fidelity.feature_extractor_inceptionv3", "URL_INCEPTION_V3"),
    ):
        url = getattr(pytest.importorskip(module), name)
        (published,) = PUBLISHED[library].values()
        assert published.files == {url[-12:-4]: next(iter(published.tags))}


def test_timms_default_comes_first() -> None:
    timm = pytest.importorskip("timm")
    for network, published in PUBLISHED["timm"].items():
        assert next(iter(published.tags)) == timm.models.get_pretrained_cfg(network).tag


GOOGLENET = PUBLISHED["torchvision"]["googlenet"].tags["IMAGENET1K_V1"]


def preprocessings() -> Iterator[Preprocessing]:
    for known in PUBLISHED.values():
        for published in known.values():
            yield from published.tags.values()


def test_what_is_written_reads_back() -> None:
    for each in preprocessings():
        assert parse_preprocessing(each.json) == each
        data = json.loads(each.json)
        assert data["range"] == [0, 1] and data["channels"] == "RGB"
        assert (data["interpolation"], data["antialias"], data["coordinates"]) in RESIZES


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mean": None}, "has an unsupported `mean`: None"),
        ({"mean": [0.5, float("nan")]}, "has an unsupported `mean`"),
        ({"std": [0.5, 0.0, 0.5]}, "has an unsupported `std`"),
        ({"std": []}, "has an unsupported `std`"),
        ({"resize": 200}, "has an unsupported `resize`: 200"),
        ({"resize": [256, 256]}, "has an unsupported `resize`"),
        ({"resize": True}, "has an unsupported `resize`"),
        ({"crop": [0, 224]}, "has an unsupported `crop`"),
        ({"crop": [10**9, 224]}, "has an unsupported `crop`"),
        ({"interpolation": "lanczos"}, "has an unsupported `interpolation`: lanczos"),
        ({"interpolation": "bicubic", "antialias": False}, "has an unsupported `antialias`"),
        ({"interpolation": "nearest", "antialias": True}, "has an unsupported `antialias`"),
        ({"coordinates": "asymmetric"}, "has an unsupported `coordinates`: asymmetric"),
        ({"antialias": False, "coordinates": "align_corners"}, "has an unsupported `coordinates`: align_corners"),
        ({"channels": "BGR"}, "has an unsupported `channels`: BGR"),
        ({"range": [0, 255]}, "has an unsupported `range`"),
    ],
)
def test_a_preprocessing_that_cannot_be_followed_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_preprocessing(json.dumps({**json.loads(GOOGLENET.json), **change}))


@settings(max_examples=50)
@given(st.text(max_size=30) | st.recursive(st.none() | st.integers(), st.lists).map(json.dumps))
@example("[" * 10**5)
def test_any_text_is_read_or_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a JSON object|has an unsupported `"):
        parse_preprocessing(text)


def test_another_input_keeps_the_proportion() -> None:
    assert GOOGLENET.at(224, 224) is GOOGLENET
    assert (GOOGLENET.at(448, 448).resize, GOOGLENET.at(448, 448).crop) == (512, (448, 448))
    assert (GOOGLENET.at(224, 448).resize, GOOGLENET.at(224, 448).crop) == (512, (224, 448))
    whole = PUBLISHED["keras"]["Xception"].tags["imagenet"]
    assert (whole.at(150, 200).resize, whole.at(150, 200).crop) == ((150, 200), (150, 200))


def test_a_strip_does_not_fill_the_memory() -> None:
    image = torch.zeros(3, 2, 60_000, dtype=torch.uint8)
    assert prepare_image(image, Config(), GOOGLENET).shape == (3, 224, 224)


# --- who decides ------------------------------------------------------------------------------------------------------

RECIPE = Config(data=Data(mean=(0.4,), std=(0.2, 0.2, 0.2)), augment=Augment(evaluation="central"))


def test_the_preprocessing_of_the_weights_is_applied_and_reported() -> None:
    found = choose_preparation(GOOGLENET, RECIPE, "net.yaml", (), None)
    assert (found.config.data.mean, found.config.data.std) == (GOOGLENET.mean, GOOGLENET.std)
    assert found.view is not None
    assert found.sentence == (
        "images: shorter side resized to 256 (bilinear), center crop 224x224; mean 0.5; std 0.5, "
        "as the weights say (torchvision googlenet IMAGENET1K_V1)"
    )
    assert found.warning is not None and found.warning.severity == "warning"
    assert found.warning.message == (
        "the recipe of `net.yaml` prepares images differently from the weights: center 87.50% of each side "
        "resized to 224x224 (bilinear) (the weights: shorter side resized to 256 (bilinear), center crop "
        "224x224); mean 0.4 (the weights: 0.5); std 0.2 (the weights: 0.5)"
    )


def test_weights_that_do_not_say_whose_they_are_are_followed_too() -> None:
    assert choose_preparation(replace(GOOGLENET, tag=""), RECIPE, "", (), "1").sentence == (
        "images: mean 0.5; std 0.5, as the weights say; crops by `--protocol 1`"
    )


def test_a_recipe_that_agrees_is_not_warned_of() -> None:
    own = Config(data=Data(mean=(0.5,), std=(0.5, 0.5, 0.5)), augment=Augment(evaluation="centre", resize=256))
    assert choose_preparation(GOOGLENET, own, "net.yaml", (), None).warning is None


@pytest.mark.parametrize("config", ["", "[1]", "{}", '{"training": {"data": 1}}', '{"training": {"augment": {}}}'])
def test_weights_that_say_nothing_change_nothing(config: str, tmp_path: Path) -> None:
    if config:
        (tmp_path / "config.json").write_text(config)
    assert prepare_as_trained(tmp_path / "w.pth", RECIPE, "net.yaml", ()) == (RECIPE, None, "", None)


@pytest.mark.parametrize("file", ["model/model.safetensors", "checkpoints/best.pt"])
def test_weights_of_a_run_are_prepared_as_in_the_run(file: str, tmp_path: Path) -> None:
    run = Config(data=Data(mean=(0.1, 0.2, 0.3), std=(0.25,)), augment=Augment(evaluation="centre", resize=300))
    for name, group in (("model/config.json", "training"), ("config.json", "config")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps({group: asdict(run)}))
    found = prepare_as_trained(tmp_path / file, RECIPE, "net.yaml", ())
    assert found.config == replace(
        RECIPE,
        data=replace(RECIPE.data, mean=run.data.mean, std=run.data.std),
        augment=replace(RECIPE.augment, evaluation="centre", resize=300),
    )
    assert found.sentence.startswith(
        "images: shorter side resized to 300 (bilinear), center crop 224x224; mean 0.1, 0.2, 0.3; std 0.25, as `"
    )
    assert found.warning and "mean 0.4 (the weights: 0.1, 0.2, 0.3)" in found.warning.message
    assert prepare_as_trained(tmp_path / file, run, "net.yaml", ()) == (run, None, "", None)
    chosen = prepare_as_trained(tmp_path / file, RECIPE, "net.yaml", {"data.mean", "augment.evaluation"}).config
    assert (chosen.data.mean, chosen.data.std, chosen.augment.evaluation) == ((0.4,), (0.25,), "central")
    wider = replace(RECIPE, data=replace(RECIPE.data, height=299, width=299))  # its view may not fit
    assert prepare_as_trained(tmp_path / file, wider, "net.yaml", ()).config.augment == RECIPE.augment


@pytest.mark.parametrize("setting", VIEW_SETTINGS)
def test_the_user_goes_before_the_weights(setting: str) -> None:
    mean = choose_preparation(GOOGLENET, RECIPE, "net.yaml", {"data.mean"}, None)
    assert (mean.config.data.mean, mean.config.data.std) == ((0.4,), (0.5, 0.5, 0.5))
    assert mean.sentence.endswith(
        "; std 0.5, as the weights say (torchvision googlenet IMAGENET1K_V1); mean 0.4 by `--set`"
    )
    assert mean.warning and "mean 0.4" not in mean.warning.message
    for found in (
        choose_preparation(GOOGLENET, RECIPE, "net.yaml", {setting}, None),
        choose_preparation(GOOGLENET, RECIPE, "", (), "10"),
    ):
        assert found.view is None and found.config.data.mean == (0.5, 0.5, 0.5)
    all_of_it = choose_preparation(GOOGLENET, RECIPE, "net.yaml", {"data.mean", "data.std", setting}, None)
    assert all_of_it.config == RECIPE and all_of_it.warning is None
    assert all_of_it.sentence == f"images: crops by `--set {setting}`; mean 0.4 by `--set`; std 0.2 by `--set`"


def test_means_are_compared_number_by_number() -> None:
    for mean in ((0.5, 0.5, 0.4), (0.5, 0.5)):
        own = replace(RECIPE, data=Data(mean=mean, std=(0.5,)))
        warning = choose_preparation(GOOGLENET, own, "", (), None).warning
        assert warning and "mean" in warning.message and "std" not in warning.message
