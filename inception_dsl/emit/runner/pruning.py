"""Several modules as one file: what a name needs of them, in their order, without their imports of each other."""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from symtable import SymbolTable, symtable


@dataclass(frozen=True)
class Definition:
    """A top-level statement with the comments and decorators that stand above it."""

    node: ast.stmt
    text: str

    @cached_property
    def defines(self) -> frozenset[str]:
        """The names that it binds."""
        match self.node:
            case ast.FunctionDef() | ast.ClassDef() | ast.AsyncFunctionDef():
                return frozenset({self.node.name})
            case ast.Assign(targets=targets):
                bound = (node for target in targets for node in ast.walk(target))
                return frozenset(node.id for node in bound if isinstance(node, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                return frozenset({name})
        return frozenset()

    @cached_property
    def uses(self) -> frozenset[str]:
        """The names of the module that it reads, those in annotations too."""
        return frozenset(_globals(symtable(self.text, "<definition>", "exec")))

    @property
    def attributes(self) -> Iterator[str]:
        """What is read of names in it: `optim.lr` where it says that or `config.optim.lr`."""
        for node in ast.walk(self.node):
            match node:
                case ast.Attribute(value=ast.Name(id=owner) | ast.Attribute(attr=owner), attr=name):
                    yield f"{owner}.{name}"


def _globals(scope: SymbolTable) -> Iterator[str]:
    """The names that a scope, and those in it, look up in the module."""
    top = scope.get_type() == "module"
    for symbol in scope.get_symbols():
        if symbol.is_referenced() and (top or symbol.is_global()):
            yield symbol.get_name()
    for inner in scope.get_children():
        yield from _globals(inner)


@dataclass(frozen=True)
class Module:
    """A module: its heading, what it imports from elsewhere, and its definitions."""

    heading: str
    imports: tuple[ast.Import | ast.ImportFrom, ...]
    definitions: tuple[Definition, ...]


def read(source: str, package: str) -> Module:
    """Take a module apart; imports of `package` and of `__future__` are left out."""
    tree, lines = ast.parse(source), source.splitlines()
    imports: list[ast.Import | ast.ImportFrom] = []
    definitions: list[Definition] = []
    heading, end = "", 0
    for node in tree.body:
        first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))]) - 1
        while first > end and lines[first - 1].startswith("#"):
            first -= 1
        text = "\n".join(lines[first : node.end_lineno])
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = getattr(node, "module", "") or ""
            if module != "__future__" and not module.startswith(package):
                imports.append(node)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            if heading:  # the sentence under a constant
                definitions[-1] = Definition(definitions[-1].node, f"{definitions[-1].text}\n{text}")
            heading = heading or str(node.value.value).strip().split("\n")[0]
        else:
            definitions.append(Definition(node, text))
        end = node.end_lineno or 0
    return Module(heading, tuple(imports), tuple(definitions))


def cut(definition: Definition, keep: Collection[str]) -> Definition:
    """A dispatch table with the entries of some keys only."""
    table = definition.node.value if isinstance(definition.node, ast.Assign | ast.AnnAssign) else None
    if not isinstance(table, ast.Dict):
        raise TypeError(f"{sorted(definition.defines)} is no table")
    lines = definition.text.splitlines()
    offset = (definition.node.end_lineno or 0) - len(lines)
    for key, value in reversed(list(zip(table.keys, table.values, strict=True))):
        if isinstance(key, ast.Constant) and key.value not in keep:
            del lines[key.lineno - offset - 1 : (value.end_lineno or 0) - offset]
    text = "\n".join(lines)
    return Definition(ast.parse(text).body[0], text)


def prune(
    modules: Sequence[Module], root: str, tables: Mapping[str, Collection[str]]
) -> list[tuple[Module, list[Definition]]]:
    """What `root` needs of the modules; `tables` are the dispatch tables, and the keys of each that stay."""
    kept = [
        (module, [cut(each, tables[name]) if (name := _table(each, tables)) else each for each in module.definitions])
        for module in modules
    ]
    by_name = {name: each for _, definitions in kept for each in definitions for name in each.defines}
    needed, waiting = set(), [root]
    while waiting:
        name = waiting.pop()
        if name in by_name and name not in needed:
            needed.add(name)
            waiting += by_name[name].uses
    return [(module, [each for each in definitions if each.defines & needed]) for module, definitions in kept]


def _table(definition: Definition, tables: Mapping[str, Collection[str]]) -> str:
    return next((name for name in definition.defines if name in tables), "")


def imports(
    kept: Sequence[tuple[Module, Sequence[Definition]]], more: tuple[str, str] | None = None
) -> tuple[list[str], list[str]]:
    """The imports that the kept definitions use, and `more`, sorted: the standard library's, and the others."""
    plain: set[str] = set()
    members: dict[str, set[str]] = {more[0]: {more[1]}} if more else {}
    for module, definitions in kept:
        used = {name for each in definitions for name in each.uses}
        for node in module.imports:
            for alias in node.names:
                bound = (alias.asname or alias.name).partition(".")[0]
                if bound not in used:
                    continue
                spelt = f"{alias.name} as {alias.asname}" if alias.asname else alias.name
                if isinstance(node, ast.ImportFrom):
                    members.setdefault(node.module or "", set()).add(spelt)
                else:
                    plain.add(spelt)
    lines = [(name.split()[0], f"import {name}") for name in sorted(plain)]
    lines += [(name, f"from {name} import {', '.join(sorted(members[name]))}") for name in sorted(members)]
    standard = [line for name, line in lines if name.partition(".")[0] in sys.stdlib_module_names]
    return standard, [line for _, line in lines if line not in standard]
