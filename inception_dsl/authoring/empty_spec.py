"""The text of a new spec: a table of three rows, and a comment at every key of the language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from inception_dsl.spec.fields import Section
from inception_dsl.spec.models import Head, Module, Paper, PrintedColumn, Published, Setting, Spec
from inception_dsl.syntax.printer import align
from inception_dsl.syntax.yaml_printer import flow
from inception_dsl.text.terminal import visible

EXAMPLES: Final[Mapping[str, Any]] = {
    "network": "",
    "title": "",
    "paper": {
        "title": "A Network for Small Images",
        "authors": "Author et al.",
        "year": 2026,
        "arxiv": "2601.00001",
        "table": 1,
        "figure": 2,
    },
    "input": "3x32x32",
    "classes": 10,
    "settings": {
        "width": {"default": 1.0, "type": "float", "min": 0.25, "max": 4, "doc": "Multiplies every number of channels."}
    },
    "defaults": {"conv": "same bn relu"},
    "modules": {
        "block": {
            "graph": "| conv 1x1 {mid} -> conv 3x3 {out}\n| maxpool 3x3/1 same",
            "columns": ["mid", "out"],
            "doc": "Figure 2: a convolution beside a pool.",
        }
    },
    "layers": align(
        [
            ("name", "layer", "output"),
            ("conv1", "conv 3x3/2 16", "16x16x16"),
            ("conv2", "conv 3x3/2 32", "8x8x32"),
            ("fc", "avgpool global -> fc {classes}", "1x1x10"),
        ]
    ),
    "heads": {"aux": {"from": "conv1", "graph": "avgpool global -> fc {classes}", "loss_weight": 0.3}},
    "published": {
        "params": {"measure": "params", "unit": 1000, "rounding": "either", "bias": True},
        "totals": {"params": "6.1K"},
        "errata": {"totals.params": "the paper also counts its head"},
    },
    "init": {"source": "section 3", "conv": "he"},
    "training": {"source": "section 4", "optim": {"name": "sgd", "lr": 0.1}},
    "reported": align(
        [("metric", "value", "data", "source"), ("top-1 error", "9.5%", "CIFAR-10, test", "the paper, Table 2")]
    ),
}
"""A value for every key, in the order in which specs have them; together they are a spec that holds."""

WRITTEN: Final = ("network", "title", "input", "classes", "defaults", "layers")
"""The keys that a new spec has; the others are comments."""

SECTIONS: Final[Mapping[str, type[Section]]] = {
    "": Spec,
    "paper": Paper,
    "settings.width": Setting,
    "modules.block": Module,
    "heads.aux": Head,
    "published": Published,
    "published.params": PrintedColumn,
}
"""The models whose fields describe the keys, by the path of their section."""

HEADER: Final = """\
# A new spec: `inception-dsl check {file}` checks it. The lines behind `# ` are examples; remove the `# ` to use them.
# `inception-dsl ops` lists the words of the language, and `inception-dsl specs googlenet` prints a complete spec.

"""


def empty_spec(name: str, file: str) -> str:
    """The text of a spec called `name` with a small table; `file` is what its comments call it."""
    parts = []
    for key, value in {**EXAMPLES, "network": name, "title": name}.items():
        mark = "" if key in WRITTEN else "# "
        lines = [(f"{mark}{line}", comment) for line, comment in _lines(key, value, key, "")]
        room = max(len(line) for line, comment in lines if comment)
        parts.append("\n".join(f"{line:{room}}    # {comment}" if comment else line for line, comment in lines))
    return HEADER.format(file=visible(file)) + "\n\n".join(parts) + "\n"


def _lines(key: str, value: Any, path: str, indent: str) -> Iterator[tuple[str, str]]:
    """The lines of a key, and the comment beside each; empty where there is none."""
    comment = _description(path)
    named = isinstance(value, Mapping) and any(f"{path}.{inner}" in SECTIONS for inner in value)
    if named or path in (*SECTIONS, "published.errata"):
        yield f"{indent}{flow(key)}:", comment
        for inner, item in value.items():
            yield from _lines(inner, item, f"{path}.{inner}", f"{indent}  ")
    elif isinstance(value, str) and "\n" in value:
        yield f"{indent}{flow(key)}: |", comment
        yield from ((f"{indent}  {line}", "") for line in value.split("\n"))
    else:
        yield f"{indent}{flow(key)}: {flow(value)}", comment


def _description(path: str) -> str:
    """What a key holds; empty for a name that the author chooses."""
    section, _, key = path.rpartition(".")
    model = SECTIONS.get(section)
    fields = {field.alias or name: field for name, field in model.model_fields.items()} if model else {}
    return (fields[key].description or "") if key in fields else ""
