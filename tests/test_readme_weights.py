"""The example in docs/weights.md: each command prints exactly what the page shows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
import torchvision
from click.testing import CliRunner
from test_readme import blocks
from torch import nn

from inception_dsl.cli.main import main
from inception_dsl.weights.files import read_weights
from inception_dsl.weights.names.libraries import BUILTIN_SPECS
from inception_dsl.weights.preprocessing import KEY, parse_preprocessing
from inception_dsl.weights.published import PUBLISHED

ROOT = Path(__file__).parent.parent
(SESSION,) = blocks("docs/weights.md", "console")
NUMBER = re.compile(r"\d+e-\d+")
"""How far two libraries lie apart depends on the machine."""


def test_the_commands_print_what_the_readme_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").symlink_to(ROOT / "specs")
    with torch.device("meta"):
        net = torchvision.models.googlenet(weights=None, aux_logits=True, init_weights=False).to_empty(device="cpu")
    torch.manual_seed(0)
    for name, each in net.state_dict().items():
        if each.dim() > 1:
            nn.init.kaiming_normal_(each, nonlinearity="relu")
        else:  # nothing that training left a trace in
            each.fill_("var" in name or ("bn" in name and "weight" in name))
    torch.save(net.state_dict(), "googlenet.pth")
    for command in SESSION.split("$ inception-dsl ")[1:]:
        line, *shown = command.rstrip("\n").split("\n")
        result = CliRunner().invoke(main, line.replace("folder:imagenet", "fake:4x1000").split())
        assert result.exit_code == 0, result.output
        printed = NUMBER.sub("N", result.stdout).splitlines()
        expected = NUMBER.sub("N", "\n".join(shown)).splitlines()
        assert printed[: len(expected)] == expected if "..." not in expected else printed[0] == expected[0]
    assert torch.equal(
        torch.load("googlenet.pth")["fc.weight"], torch.from_numpy(read_weights(Path(written())).tensors["fc.weight"])
    )
    assert parse_preprocessing(read_weights(Path(written())).metadata[KEY]) == PUBLISHED["torchvision"]["googlenet"].of(
        "", ""
    )


def test_the_note_on_images_is_the_one_that_is_written() -> None:
    (shown,) = blocks("docs/weights.md", "json")
    wanted = PUBLISHED["torchvision"]["googlenet"].of("", "")
    assert json.loads(shown) == json.loads(wanted.json) and parse_preprocessing(shown) == wanted


def written() -> str:
    """The last file of the example."""
    return SESSION.rstrip().rpartition("wrote ")[2]


def test_the_table_is_that_of_the_maps(update_golden: bool) -> None:
    """`pytest --update-golden` writes it anew."""
    page = ROOT / "docs/weights.md"
    before, header, rest = page.read_text(encoding="utf-8").partition("| spec |")
    shown, gap, after = f"{header}{rest}".partition("\n\n")
    if update_golden:
        shown = table()
        page.write_text(f"{before}{shown}{gap}{after}", encoding="utf-8")

    assert shown == table()


def table() -> str:
    """A row for each spec that has the layers of libraries' networks, with their names there."""
    named: dict[str, list[str]] = {}
    for library, known in BUILTIN_SPECS.items():
        for name, spec in known.items():
            named.setdefault(spec, []).append(f"{library}'s {name}")
    rows = [("spec", "networks"), ("---", "---"), *((f"`{spec}`", ", ".join(named[spec])) for spec in sorted(named))]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
