"""What a spec gives: its verdicts, and its files with the options that were chosen for them."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from inception_dsl import compiler
from inception_dsl.analysis.class_scores import check_class_scores
from inception_dsl.analysis.cost import Cost, cost
from inception_dsl.analysis.dropped import dropped
from inception_dsl.analysis.recipe_fit import check_recipe, unused_settings
from inception_dsl.analysis.unread import unread
from inception_dsl.diagnostics.codes.plugins import REMEDY, UNUSABLE_PLUGIN
from inception_dsl.diagnostics.diagnostic import Diagnostic, Note, Source, Span, SpecError
from inception_dsl.emit.citation import command
from inception_dsl.emit.options import PAGE, Options
from inception_dsl.files import builtin
from inception_dsl.ir.program import Program
from inception_dsl.ir.typed import Typed
from inception_dsl.paper import verdicts
from inception_dsl.recipes.recipe import recipe, with_input
from inception_dsl.spec import discovery, loader
from inception_dsl.syntax import source as sources
from inception_dsl.syntax import yaml

if TYPE_CHECKING:
    from inception_dsl.emit.page import subject as pages
    from inception_dsl.emit.page.panel import Drawn
    from inception_dsl.paper.claims import ClaimVerdict, Examination
    from inception_dsl.paper.measurements import Measured, Subject


@dataclass(frozen=True)
class Build:
    """A spec, compiled: its verdicts, and the files that it gives. `claims` are those about it, for its page."""

    program: Program
    options: Options = field(default_factory=Options)
    path: str = ""
    claims: tuple[ClaimVerdict, ...] = ()
    panels: tuple[Drawn, ...] = ()
    """What its page shows beside the network."""

    @property
    def file(self) -> str:
        """The spec's file: the path that was given, else as generated files cite it."""
        return self.path or self.program.file

    @cached_property
    def own(self) -> Typed:
        """The network at its own size, the one its paper's numbers are for."""
        return compiler.at_size(self.program)

    @cached_property
    def typed(self) -> Typed:
        """The network at the chosen size."""
        if self.options.size == "dynamic":
            height, width = self.own.input.image
            compiler.at_size(self.program, (height + 1, width + 1))  # E218 where a layer fixes the size
        return compiler.at_size(self.program, self.options.image) if self.options.image else self.own

    @cached_property
    def cost(self) -> Cost:
        """What the network costs at its own size, row by row."""
        return cost(self.own)

    @cached_property
    def verdicts(self) -> tuple[verdicts.Verdict, ...]:
        """Every printed cell against what the spec gives."""
        return verdicts.compare_cells(self.own)

    @property
    def findings(self) -> tuple[Diagnostic, ...]:
        """What does not hold, and what the spec's warnings are."""
        idle = (*unread(self.own), *dropped(self.own), *unused_settings(self.program))
        return (*self.program.warnings, *idle, *verdicts.findings(self.own, self.verdicts))

    @cached_property
    def files(self) -> Mapping[str, bytes]:
        """The files by their path below the output folder."""
        from inception_dsl.emit.backends import BACKENDS, find
        from inception_dsl.emit.figures import architecture
        from inception_dsl.emit.report import report
        from inception_dsl.emit.runner import runner

        rebuild = self.rebuild
        files: dict[str, str | bytes] = {}
        for backend in [*BACKENDS, *filter(None, map(find, self.options.backends))]:
            given = backend.files(self.typed, self.options, rebuild)
            if taken := sorted(given.keys() & files.keys()):
                message = f"the backend `{backend.name}` writes `{taken[0]}`, which is a file of another backend"
                raise SpecError([Diagnostic(UNUSABLE_PLUGIN, message, help=REMEDY)])
            files |= given
        files["report.md"] = report.report(self.own, rebuild)
        files[architecture.FILE] = architecture.architecture(self.own, rebuild)
        sized = with_input(self.program, self.typed.input)
        stated = recipe(sized)
        if stated and self.options.runner:
            check_class_scores(self.typed)
            check_recipe(sized)
            files |= runner.files(self.typed, stated, rebuild)
        if self.options.page:
            files[PAGE] = self.page
        return {
            f"{self.program.name}/{name}": content.encode() if isinstance(content, str) else content
            for name, content in files.items()
        }

    @property
    def subject(self) -> pages.Subject:
        """The network as its page and a site show it."""
        from inception_dsl.emit.page.subject import Subject

        return Subject(self.own, self.claims, self.rebuild)

    @property
    def page(self) -> str:
        """The network as one HTML file."""
        from inception_dsl.emit.page.page import page

        return page(self.subject, self.panels, self.options.further)

    @property
    def rebuild(self) -> str:
        """The command that gives these very files, as their heads cite it; empty where the name of the spec says it.

        A built-in spec is named as such: its user may have no file of it.
        """
        outside = [loader.OPTION] if self.options.outside else []
        named = self.path if self.path.startswith(builtin.PREFIX) else ""
        found = command(self.program.file, [*self.options.words, *outside], self.options.out, named)
        return "" if found == f"inception-dsl compile {self.program.file}" else found


def print_resolved(
    path: str | Path, blame: bool = False, settings: Mapping[str, str] | None = None, outside: bool = False
) -> str:
    """Print a spec file with its `extends` resolved; `blame` puts the file and line of origin before each line.

    Raises `SpecError`.
    """
    from inception_dsl.paper.inherited import resolved
    from inception_dsl.spec.blame import print_blamed
    from inception_dsl.spec.printer import print_spec

    spec = compiler.load(path, settings, outside)
    flat = resolved(spec, compiler.compile_spec(spec).published)
    return print_blamed(flat) if blame else print_spec(flat)


def with_claims(builds: Sequence[Build]) -> list[Build]:
    """Specs with what the files of claims beside them say about their networks as they are, without settings.

    Raises `SpecError` where a file of claims cannot be read.
    """
    from inception_dsl.spec.claims import networks_in

    plain = [build for build in builds if build.path and " --set " not in build.program.file]
    names = {build.path: Path(build.path).stem.removeprefix(builtin.PREFIX) for build in plain}
    files = dict.fromkeys(file for path in names for file in discovery.claims_beside(Path(path)))
    found: dict[str, list[ClaimVerdict]] = {name: [] for name in names.values()}
    for verdict in (verdict for file in files for verdict in examine(file, found).verdicts):
        for name in networks_in(verdict.sentence) & found.keys():
            found[name].append(verdict)
    return [replace(build, claims=tuple(found.get(names.get(build.path, ""), ()))) for build in builds]


def examine(path: str | Path, about: Collection[str] = ()) -> Examination:
    """Compare a file of claims with the specs beside it; only those `about` some networks, if any are named.

    Raises `SpecError` where it cannot be read.
    """
    named = os.fspath(path).startswith(builtin.PREFIX)
    return examine_source(sources.read(path), Path(builtin.PREFIX) if named else Path(path).parent, about=about)


def measured(path: Path, subject: Subject, read: loader.Read = sources.read) -> Measured:
    """A spec as a claim measures it: with its settings, at its size. Raises `SpecError`."""
    from inception_dsl.paper.measurements import Measured

    settings = {name: str(value) for name, value in subject.settings}
    image = (subject.size, subject.size) if subject.size else None
    return Measured.of(compiler.at_size(compiler.compile_file(path, settings=settings, read=read), image))


def examine_source(
    source: Source,
    folder: Path,
    measure: Callable[[Path, Subject], Measured] = measured,
    about: Collection[str] = (),
) -> Examination:
    """Compare claims with the specs in a folder and below; only those that they measure are compiled, each once.

    The nearest of several specs with the same file name is taken. Raises `SpecError` where the claims cannot be read;
    the errors of a spec are findings.
    """
    from inception_dsl.paper import claims
    from inception_dsl.spec.claims import networks_in, read_claims

    sentences = [one for one in read_claims(yaml.parse(source)) if not about or networks_in(one).intersection(about)]
    specs = {spec.stem.removeprefix(builtin.PREFIX): spec for spec in reversed(discovery.specs_in(folder))}
    networks: dict[Subject, Measured] = {}
    faults: list[Diagnostic] = []
    for subject, place in claims.subjects(sentences).items():
        if subject.network in specs:
            try:
                networks[subject] = measure(specs[subject.network], subject)
            except SpecError as error:
                faults += _of_measured(subject, error, place)
    verdicts, findings = claims.compare_sentences(sentences, networks, specs)
    return claims.Examination(verdicts, (*dict.fromkeys(faults), *findings))


def _of_measured(subject: Subject, error: SpecError, place: Span) -> Iterator[Diagnostic]:
    """The errors of a measured spec; those that its settings or size may cause name the formula that gives them."""
    for fault in error.diagnostics:
        if fault.span is None:
            yield replace(fault, span=place)
        elif subject.settings or subject.size:
            yield replace(fault, notes=(*fault.notes, Note(place, "measured here")))
        else:
            yield fault
