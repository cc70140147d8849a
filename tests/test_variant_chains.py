"""Variants of variants: at every level the chain is what its flat form is, and what each edit finds there."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import specs
from test_variants import BASE
from variant_strategies import edits
from yaml import safe_load

from inception_dsl import compilation, compiler
from inception_dsl.cli.main import main
from inception_dsl.diagnostics.diagnostic import Diagnostic, Source, SpecError
from inception_dsl.paper import inherited, verdicts
from inception_dsl.spec.blame import print_blamed
from inception_dsl.spec.network import Base, read_spec
from inception_dsl.spec.printer import print_spec
from inception_dsl.spec.variants import vary
from inception_dsl.syntax import yaml
from inception_dsl.syntax.yaml_printer import dump

ROOT = Path(__file__).parent.parent
SPECS = [path for path in sorted((ROOT / "specs").glob("*.yaml")) if path.stem != "claims"]
VARIANTS = [path for path in SPECS if "\nextends:" in path.read_text(encoding="utf-8")]


def parsed(text: str) -> Base:
    """A spec that extends none, compiled."""
    return compiler.as_base(read_spec(yaml.parse(Source("flat.yaml", text))))


def extended(base: Base, data: Mapping[str, Any], name: str) -> Base:
    """A variant, compiled."""
    text = dump({"extends": "base.yaml", "network": name, **data})
    return compiler.as_base(vary(base, yaml.parse(Source(f"{name}.yaml", text))))


def flat(made: Base) -> str:
    """What `show --resolved` prints."""
    return print_spec(inherited.resolved(made.spec, made.network.program.published))


def judged(made: Base) -> dict[str, Any]:
    """All that is proved of a network, but for what it dropped, where it was written, and warnings about that."""
    build = compilation.Build(made.network.program)
    published = replace(build.program.published, dropped=())
    return {
        "program": replace(build.program, name="", file="", published=published, reported=()),
        "verdicts": build.verdicts,
        "findings": summaries(finding for finding in build.findings if finding.severity == "error"),
    }


def summaries(findings: Iterable[Diagnostic]) -> list[tuple[str, str, str]]:
    """What diagnostics say, wherever it is."""
    return [(finding.code, finding.message, finding.help) for finding in findings]


def dropped(made: Base) -> set[str]:
    return {f"{each.row}.{each.column}" for each in made.network.program.published.dropped}


def files(made: Base) -> dict[str, str]:
    """The files that a network gives, without the places that they cite, sums over those, and what was dropped."""
    dropped = verdicts.dropped_sentence(made.network.program.published.dropped)
    found = {}
    for name, content in compilation.Build(made.network.program).files.items():
        text = str(onnx.load_from_string(content)) if name.endswith(".onnx") else content.decode()
        text = text.replace(f"\n\n{dropped}", "").replace(f" {dropped}", "")
        text = re.sub(r'metadata_props {\n  key: "rebuild"\n.*\n}\n|.*Rebuild: .*\n', "", text)
        found[name] = re.sub(r"[\w./]+\.yaml(:\d+:\d+)?|[0-9a-f]{64}| --set [a-z]+=[a-z0-9.]+", "", text)
    return found


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_spec_extended_by_one_line_is_that_spec(path: Path) -> None:
    spec = compiler.as_base(compiler.load(path))
    once = extended(spec, {"title": spec.spec.title}, "once")
    twice = extended(once, {"title": spec.spec.title}, "twice")
    for made in (once, twice):
        assert judged(made) == judged(spec)
        assert dropped(made) == dropped(spec)
    again = parsed(flat(twice))
    assert judged(again) == judged(spec)
    assert files(again) == files(twice)
    assert flat(again) == flat(twice)
    unmeasured = spec._replace(spec=replace(spec.spec, reported=()))  # a variant inherits no results
    assert flat(twice).replace("network: twice", f"network: {spec.spec.network}", 1) == flat(unmeasured)


ERRING = BASE.replace("totals: {", "totals: {ops: 3G, ").replace("errata:\n", "errata:\n    totals.ops: far too many\n")


@settings(max_examples=40)
@given(st.data(), st.just(ERRING) | st.just(ERRING) | specs())
def test_a_chain_is_its_flat_form(data: st.DataObject, text: str) -> None:
    """At every level, also in what the next level may edit: where it may not, it is refused alike."""
    made = beside = parsed(print_spec(read_spec(yaml.parse(Source("base.yaml", text)))))
    for level in range(data.draw(st.integers(2, 4))):
        changes = data.draw(edits(beside.spec, beside.network))
        above, other = (attempt(base, changes, f"level{level}") for base in (made, beside))
        if isinstance(above, Base):
            assert isinstance(other, Base)
            assert dropped(other) <= dropped(above)
            made, beside = above, parsed(flat(above))
            assert judged(made) == judged(other) == judged(beside)
        else:
            assert above == other
    assert flat(beside) == flat(made)
    assert files(beside) == files(made)
    resolved = inherited.resolved(made.spec, made.network.program.published)
    assert_blamed(print_blamed(resolved).splitlines(), print_spec(resolved).splitlines(), dict(sources(made)))


def sources(made: Base) -> Iterator[tuple[str, list[str]]]:
    """The lines of the files that a spec is made of."""
    source = made.spec.document.source
    yield source.file, source.lines
    if made.spec.base:
        yield from sources(made.spec.base)


def attempt(base: Base, data: Mapping[str, Any], name: str) -> Base | list[tuple[str, str, str]]:
    """A variant, or what is wrong with it."""
    try:
        return extended(base, data, name)
    except SpecError as error:
        return summaries(error.diagnostics)


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A chain of three files: the second restates what an erratum is about, and loses a total."""
    monkeypatch.chdir(tmp_path)
    Path("base.yaml").write_text(ERRING, encoding="utf-8")
    edit = "override: {rows: {res: {layer: residual, params: 3.6K}, block: {'#1x1': 4}}}"
    Path("first.yaml").write_text(f"extends: base.yaml\nnetwork: first\n{edit}\n", encoding="utf-8")
    Path("second.yaml").write_text("extends: first.yaml\nnetwork: second\n", encoding="utf-8")
    return tmp_path


def test_what_the_middle_of_a_chain_restates_and_drops_is_settled(folder: Path) -> None:
    first, second = (compiler.compile_file(f"{name}.yaml").published for name in ("first", "second"))

    assert first.errata == second.errata == ()
    assert first.claims == second.claims
    assert [(each.row, each.column) for each in second.dropped if each.row == "totals"] == [
        *(("totals", column) for column in ("ops", "params", "depth"))
    ]
    assert first.dropped == second.dropped


@pytest.mark.parametrize("base", ["second.yaml", "flat.yaml"])
def test_what_the_middle_of_a_chain_has_dropped_is_inserted_not_overridden(folder: Path, base: str) -> None:
    """As the flat form shows it, which has neither the total nor the erratum."""
    Path("flat.yaml").write_text(compilation.print_resolved("second.yaml"), encoding="utf-8")
    text = "extends: {}\nnetwork: third\n{}: {{totals: {{params: 9K}}, errata: {{totals.params: nobody counted}}}}\n"
    Path("inserted.yaml").write_text(text.format(base, "insert"), encoding="utf-8")
    Path("overridden.yaml").write_text(text.format(base, "override"), encoding="utf-8")
    made = compiler.compile_file("inserted.yaml").published
    with pytest.raises(SpecError) as caught:
        compiler.compile_file("overridden.yaml")

    assert [claim.text for claim in made.claims if claim.row == "totals"] == ["9K"]
    assert ("totals", "params") not in {(each.row, each.column) for each in made.dropped}
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["E122", "E122"]


def test_settings_are_set_on_top_of_a_chain(folder: Path) -> None:
    before = dropped(compiler.as_base(compiler.load("second.yaml")))
    for values in ({"width": "2"}, {"width": "1.0"}, {"depth": "3", "pool": "maxpool"}):
        made = compiler.as_base(compiler.load("second.yaml", values))
        again = parsed(compilation.print_resolved("second.yaml", settings=values))

        assert judged(made) == judged(again)
        assert files(made) == files(again)
        assert dropped(made) >= before


@pytest.mark.parametrize("path", VARIANTS, ids=lambda path: path.stem)
def test_blame_names_the_lines_that_say_it(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each place shares a word with the line that it is given for; a block begins where its key stands."""
    for each in SPECS:
        shutil.copy(each, tmp_path)
    monkeypatch.chdir(tmp_path)
    Path("once.yaml").write_text(f"extends: {path.name}\nnetwork: once\n", encoding="utf-8")
    Path("twice.yaml").write_text("extends: once.yaml\nnetwork: twice\ntitle: Twice\n", encoding="utf-8")
    for name in (path.name, "once.yaml", "twice.yaml"):
        blamed, plain = (compilation.print_resolved(name, blame=blame).splitlines() for blame in (True, False))
        texts = {file: Path(file).read_text(encoding="utf-8").splitlines() for file in os.listdir()}
        assert_blamed(blamed, plain, texts)


def assert_blamed(blamed: Sequence[str], plain: Sequence[str], files: Mapping[str, Sequence[str]]) -> None:
    """Each line has places, all of which say something of what it says, perhaps by the names before a rename."""
    edits = [safe_load("\n".join(lines)).get("rename") or {} for lines in files.values()]
    former = {new: old for edit in edits for names in edit.values() for old, new in names.items()}
    for line, text in zip(blamed, plain, strict=True):
        places = line.removesuffix(text).split()
        assert places
        said = words(text) | {former[word] for word in words(text) & {*former}}
        for file, _, numbers in (place.partition(":") for place in places):
            for number in numbers.split(","):
                there = files[file][int(number) - 1]
                changes = words(there) & said or there.endswith("|") or text == "published:"  # variants say `totals`
                assert changes, f"{text!r} is not of {there!r}"


def words(line: str) -> set[str]:
    return {*re.findall(r"\w+", line)}


@pytest.mark.parametrize(
    ("old", "new", "code", "exit_code"),
    [
        ("8    | 16  ", "0    | 0   ", "E213", 1),  # no layer is left in the row
        ("| {pool} global ", "| {pool} 50x50 valid", "E209", 1),  # no shape fits
        ("| 216 ", "| 217 ", "E301", 1),  # a number does not hold
        ("network: tiny", "network: [", "E101", 1),  # no YAML
        ("layers: |", "layer: |", "E103", 1),  # no key
    ],
)
def test_what_is_wrong_with_a_base_is_reported_once_and_there(
    folder: Path, old: str, new: str, code: str, exit_code: int
) -> None:
    assert old in ERRING
    Path("base.yaml").write_text(ERRING.replace(old, new), encoding="utf-8")
    done = CliRunner().invoke(main, ["check", "base.yaml", "first.yaml", "second.yaml", "--format", "json"])

    assert done.exit_code == exit_code
    assert [(diagnostic["code"], diagnostic["file"]) for diagnostic in json.loads(done.stdout)["diagnostics"]] == [
        (code, "base.yaml")
    ]
