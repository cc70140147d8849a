"""Python modules of one package -> sections of one file: their code as it stands, their imports merged at its top."""

from __future__ import annotations

import ast
import builtins
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from symtable import symtable

from inception_dsl.emit.python import LINE_LENGTH


@dataclass(frozen=True)
class PythonModule:
    """A module, taken apart: what it imports, and its code below the imports."""

    name: str
    doc: str
    siblings: Mapping[str, frozenset[str]]
    """What it imports from other modules of its package, in the order of its lines."""
    imports: Mapping[str, str]
    """What it imports from elsewhere: the statement that binds each name."""
    code: str
    defines: frozenset[str]

    @property
    def heading(self) -> str:
        """Its docstring as a comment: the first line as a rule across the page."""
        first, *more = self.doc.splitlines()
        return "\n".join([f"# --- {first} ".ljust(LINE_LENGTH, "-"), *(f"# {line}".rstrip() for line in more)])


def parse_module(name: str, source: str, package: str) -> PythonModule:
    """Take a module apart. Raises `ValueError` for what cannot be moved to another file as it stands."""
    tree = ast.parse(source)
    doc, *body = tree.body
    if (heading := ast.get_docstring(tree)) is None:
        raise ValueError(f"{name}: it has no docstring, which is its heading in the file; write one")
    header = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
    if header != body[: len(header)]:
        raise ValueError(f"{name}: a top-level import comes after other code; move it to the top")
    siblings: dict[str, frozenset[str]] = {}
    imports: dict[str, str] = {}
    for node in header:
        origin = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
        if origin == package or any(alias.name.partition(".")[0] == package.partition(".")[0] for alias in node.names):
            raise ValueError(f"{name}: {ast.unparse(node)} imports a module; import names from it")
        if origin.startswith(f"{package}."):
            if renamed := [alias.name for alias in node.names if alias.asname]:
                raise ValueError(f"{name}: {renamed[0]} is imported under another name; in one file it has only one")
            siblings[origin.removeprefix(f"{package}.")] = frozenset(alias.name for alias in node.names)
        elif origin != "__future__":
            imports.update(_binding(origin, alias) for alias in node.names)
    end = [doc, *header][-1].end_lineno
    code = "\n".join(source.splitlines()[end:]).strip("\n")
    symbols = symtable(code, name, "exec").get_symbols()
    defines = frozenset(name.get_name() for name in symbols if name.is_assigned() or name.is_imported())
    return PythonModule(name, heading, siblings, imports, code, defines)


def _binding(origin: str, alias: ast.alias) -> tuple[str, str]:
    """The name that an import binds, and the statement that binds it."""
    spelt = f"{alias.name} as {alias.asname}" if alias.asname else alias.name
    bound = alias.asname or alias.name.partition(".")[0]
    return bound, f"from {origin} import {spelt}" if origin else f"import {spelt}"


def closure(roots: Iterable[str], load: Callable[[str], PythonModule]) -> list[PythonModule]:
    """The modules that the roots import, directly or not, and the roots: in dependency order."""
    found: dict[str, PythonModule] = {}

    def visit(name: str) -> None:
        if name not in found:
            module = load(name)
            for sibling in module.siblings:
                visit(sibling)
            found[name] = module

    for root in roots:
        visit(root)
    return list(found.values())


def check(modules: Iterable[PythonModule]) -> None:
    """Raise `ValueError` for a name that means two things in the modules: in one file it would mean the last."""
    meanings = {name: "a builtin of Python" for name in dir(builtins) if name != "__doc__"}
    for module in modules:
        own = dict.fromkeys(module.defines, f"defined in {module.name}")
        for name, meaning in [*module.imports.items(), *own.items()]:
            if meanings.setdefault(name, meaning) != meaning:
                raise ValueError(f"`{name}` is {meanings[name]}, and {meaning}: rename one")


def imports(modules: Iterable[PythonModule]) -> tuple[list[str], list[str]]:
    """The import statements of modules, sorted: those of the standard library, and the others."""
    plain, members = set[str](), dict[str, set[str]]()
    for statement in (line for module in modules for line in module.imports.values()):
        origin, _, name = statement.removeprefix("from ").partition(" import ")
        if name:
            members.setdefault(origin, set()).add(name)
        else:
            plain.add(statement)
    lines = [
        *sorted(plain),
        *(_import_from(origin, sorted(members[origin])) for origin in sorted(members)),
    ]
    standard = [line for line in lines if line.split()[1].partition(".")[0] in sys.stdlib_module_names]
    return standard, [line for line in lines if line not in standard]


def _import_from(origin: str, names: list[str]) -> str:
    """An import of names from a module, on several lines if it is long."""
    line = f"from {origin} import {', '.join(names)}"
    if len(line) <= LINE_LENGTH:
        return line
    rows = textwrap.wrap(", ".join(names), LINE_LENGTH, initial_indent="    ", subsequent_indent="    ")
    return "\n".join([f"from {origin} import (", *rows]) + ",\n)"


def borrowed(modules: Iterable[PythonModule], others: Iterable[PythonModule]) -> Iterator[str]:
    """The names that modules import from some others."""
    names = {module.name for module in others}
    for module in modules:
        for sibling, taken in module.siblings.items():
            if sibling in names:
                yield from taken
