"""The example in docs/weights.md: each command prints exactly what the page shows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
import torchvision
from click.testing import CliRunner
from test_readme import PAGES, blocks
from torch import nn

from inception_dsl.cli.main import main
from inception_dsl.weights.files import read_weights
from inception_dsl.weights.names import BUILTIN_SPECS
from inception_dsl.weights.preprocessing import KEY, PUBLISHED, parse_preprocessing

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


def test_the_table_names_the_networks_and_their_specs() -> None:
    page = PAGES["docs/weights.md"]
    rows = re.findall(r"^\| (torchvision|timm|[\w-]+-fid\w*|keras) \| (.*?) \| (.*?) \|$", page, re.MULTILINE)
    assert [row[0] for row in rows] == [*BUILTIN_SPECS]
    for library, networks, specs in rows:
        assert re.sub(r" \(.*?\)", "", networks).split(", ") == [*BUILTIN_SPECS[library]]
        assert re.findall(r"`(.*?)`", specs) == [*BUILTIN_SPECS[library].values()]
