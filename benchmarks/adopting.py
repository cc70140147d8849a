"""Adopts networks of other libraries, and compares them in value: pytorchcv's, and torchvision's classifiers.

    python benchmarks/adopting.py torchvision pytorchcv --out results.jsonl

Every network is built without its weights, read, written as a spec, compiled, and run beside its source on drawn
weights. A line of the file has what became of it: `equal`, or the cause. Networks that the file has are left out, so
that the script can be stopped and started again; `--again CAUSE` tries those of a cause once more. `--summary` prints
the counts by library and cause, and the families of which none is equal.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch  # noqa: TID251 - the networks are torch's
from torch import Tensor, nn  # noqa: TID251
from torch.nn import functional  # noqa: TID251

from inception_dsl.adopt.adopt import adopt
from inception_dsl.adopt.values import compare_with
from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.interchange.network import Network
from inception_dsl.interchange.torch.reader import read_torch
from inception_dsl.interchange.torch.running import run, shape_of

TRANSFORMERS = ("vit_", "swin_", "maxvit")
"""Beginnings of the names of torchvision's classifiers that have attention in them."""

DECODED = ("alphapose_coco", "centernet", "simplepose_coco", "simpleposemobile_coco")
"""The families of pytorchcv that decode their maps into points and boxes, by code that depends on the values, and that
give the maps where they are asked to.
"""


class Points(nn.Module):
    """The maps of SuperPoint, by which it finds points and describes them, in one: their scores and descriptors."""

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.features, self.detector, self.descriptor = net.features, net.detector.detector, net.descriptor.head

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        return torch.cat((self.detector(x).softmax(1), functional.normalize(self.descriptor(x))), 1)


class Parts(nn.Module):
    """What NTS-Net finds in a whole image: the scores of its parts, by which it cuts these out, and of the classes."""

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.backbone, self.tail, self.classifier = net.backbone, net.backbone_tail, net.backbone_classifier
        self.navigator, self.in_size = net.navigator_unit, net.in_size

    def forward(self, x: Tensor) -> Tensor:
        x = self.backbone(x)
        return torch.cat((self.classifier(self.tail(x)), self.navigator(x)), 1)


class Spectrogram(nn.Module):
    """A network of speech on spectrograms, as images of height 1, that fill the whole batch, so that none is masked."""

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.features, self.output = net.features, net.output
        self.default_cfg = {"input_size": (net.in_size, 1, 256)}
        for module in net.modules():
            if hasattr(module, "use_mask"):
                module.use_mask = False

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.output(self.features(x.squeeze(2), torch.tensor([x.shape[3]]))[0])
        return scores


SOUND = ("jasper", "jasperdr", "quartznet")
"""The families of pytorchcv for speech; without `from_audio`, they read a spectrogram of it."""

MAPS = {"superpointnet": Points, "ntsnet_cub": Parts}
"""What stands for a network that decodes its maps always: the maps."""


def names(library: str) -> list[str]:
    """The networks of a library."""
    if library == "torchvision":
        import torchvision

        found = torchvision.models.list_models(module=torchvision.models)
        return [name for name in found if not name.startswith(TRANSFORMERS)]
    from pytorchcv.model_provider import _models

    return by_turns([*_models])


def by_turns(names: list[str]) -> list[str]:
    """Names in an order in which every family soon has one: the first of each, then the second, and so on."""
    turns: Counter[str] = Counter()
    ranked: list[tuple[int, int, str]] = []
    for name in names:
        own = family("pytorchcv", name)
        ranked.append((turns[own], len(ranked), name))
        turns[own] += 1
    return [name for *_, name in sorted(ranked)]


def network(library: str, name: str) -> nn.Module:
    """A network without trained weights."""
    if library == "torchvision":
        import torchvision

        options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
        net: nn.Module = torchvision.models.get_model(name, weights=None, **options)
        return net
    from pytorchcv.model_provider import get_model

    own = family(library, name)
    options = {"return_heatmap": True} if own in DECODED else {"from_audio": False} if own in SOUND else {}
    made: nn.Module = get_model(name, pretrained=False, **options)
    return Spectrogram(made) if own in SOUND else MAPS[name](made) if name in MAPS else made


def attempt(library: str, name: str) -> dict[str, Any]:
    """What becomes of a network."""
    began = time.process_time()
    result: dict[str, Any] = {"library": library, "name": name}
    try:
        net = network(library, name).eval()
        graph = read_torch(net, shape_of(net), name)
        target = Network(f"{library}:{name}", graph, lambda images, weights: run(net, graph, images, weights))
        found = adopt(target, re.sub(r"\W", "_", name), values=False)
        values = compare_with(target, found.spec, found.typed, replace=True)
        result |= {"lines": found.text.count("\n"), "same": found.same, "apart": values.apart, "moved": values.moved}
        result["cause"] = "equal" if found.same and values.equal else "other values"
    except SpecError as error:
        first = error.diagnostics[0]
        messages = "; ".join(each.message for each in error.diagnostics)
        result |= {"cause": _cause(first.code, first.message), "message": messages[:500]}
    except Exception as error:  # noqa: BLE001 - any cause is one to list
        result |= {"cause": f"{type(error).__name__}", "message": str(error)[:500]}
    return {**result, "seconds": round(time.process_time() - began, 1)}


def _cause(code: str, message: str) -> str:
    kinds = re.findall(r"\d+ (\w+) nodes?,", message)
    return f"{code} {kinds[0]}" if kinds else f"{code} {re.sub(r'`[^`]*`|[0-9]+', '_', message)[:80]}"


def family(library: str, name: str) -> str:
    """The family of a network: the module of pytorchcv that defines it, or else its name up to the first digit."""
    if library == "pytorchcv":
        from pytorchcv.model_provider import _models

        return str(_models[name].__module__.rpartition(".")[2])
    return re.split(r"\d", name)[0].strip("_")


def read(file: Path) -> Iterator[dict[str, Any]]:
    """The lines of a file of results; the last of a network counts."""
    lines = map(json.loads, file.read_text(encoding="utf-8").splitlines()) if file.exists() else []
    yield from {(line["library"], line["name"]): line for line in lines}.values()


def summary(file: Path) -> None:
    """Print the counts by library and cause."""
    by_cause: defaultdict[str, Counter[str]] = defaultdict(Counter)
    families: defaultdict[str, dict[str, bool]] = defaultdict(dict)
    for line in read(file):
        by_cause[line["library"]][line["cause"]] += 1
        own = families[line["library"]]
        group = family(line["library"], line["name"])
        own[group] = own.get(group, False) or line["cause"] == "equal"
    for library, causes in by_cause.items():
        print(f"{library}: {causes['equal']} of {causes.total()} equal")
        for cause, count in causes.most_common():
            print(f"  {count:4} {cause}")
        missing = [name for name, equal in families[library].items() if not equal]
        print(f"  {len(families[library]) - len(missing)} of {len(families[library])} families have one")
        print(f"  families without one: {', '.join(missing) or 'none'}")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("libraries", nargs="*", help="torchvision, pytorchcv")
    parser.add_argument("--out", type=Path, default=Path("adopting.jsonl"))
    parser.add_argument("--only", default="", help="a regular expression for names")
    parser.add_argument("--again", default=None, help="try networks of this cause again")
    parser.add_argument("--memory", type=float, default=12, help="GB of memory that a network may take")
    parser.add_argument("--summary", action="store_true")
    options = parser.parse_args()
    if unknown := {*options.libraries} - {"torchvision", "pytorchcv"}:
        parser.error(f"unknown libraries: {', '.join(sorted(unknown))}")
    warnings.simplefilter("ignore")
    if options.memory:
        limit = int(options.memory * 2**30)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    done = {(line["library"], line["name"]) for line in read(options.out) if line["cause"] != options.again}
    for library in options.libraries:
        for name in names(library):
            if (library, name) in done or not re.search(options.only, name):
                continue
            line = attempt(library, name)
            with options.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
            print(f"{line['cause']:24} {name} {line['seconds']} s", flush=True)
    if options.summary:
        summary(options.out)


if __name__ == "__main__":
    main()
