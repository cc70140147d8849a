"""What the tests of `diff` share: a spec, what happened to its rows, and a repository in git."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from cli_runner import Run, in_folder
from jsonschema import Draft202012Validator

from inception_dsl.diff.diff import Diff

ROOT = Path(__file__).parent.parent
SCHEMA = Draft202012Validator(json.loads((ROOT / "schemas/diff.json").read_text(encoding="utf-8")))
"""The published schema of the JSON."""

BASE = """
network: small
input: 3x32x32
classes: 10
defaults: {conv: same bn relu}
modules:
  block:
    graph: |
      | 1x1: conv 1x1 {a}
      | 3x3: conv 1x1 {b} -> conv 3x3 {c}
layers: |
  name   | layer                   | a | b | c  | output   | params
  conv1  | conv 3x3/2 8            |   |   |    | 16x16x8  | 232
  block1 | block                   | 8 | 4 | 12 | 16x16x20 |
  block2 | block                   | 8 | 6 | 12 | 16x16x20 |
  fc     | avgpool global -> fc 10 |   |   |    | 1x1x10   |
heads:
  aux: {from: block1, graph: avgpool global -> fc 10}
"""
"""The spec that the examples edit."""


def words(found: Diff) -> dict[str, tuple[str, ...]]:
    """What happened to the rows and heads that differ."""
    return {entry.name: entry.words for entry in found.entries}


def git(words: str) -> None:
    """Run git in the working folder."""
    subprocess.run(["git", *words.split()], check=True)  # noqa: S607


def commit() -> None:
    """Make a repository of the working folder, with all files in it."""
    for words in ("init -q -b main", "add .", "-c user.name=x -c user.email=x@y commit -q -m x"):
        git(words)


def repository(folder: Path, patch: pytest.MonkeyPatch) -> Run:
    """Make a repository with a spec and a variant of it, and change the spec; gives what runs a command in it."""
    variant = "extends: small.yaml\nnetwork: variant\noverride: {rows: {block2: {a: 10}}}\n"
    run = in_folder(folder, patch, {"specs/small.yaml": BASE, "specs/variant.yaml": variant})
    commit()
    Path("specs/small.yaml").write_text(BASE.replace("| 8 | 4 | 12 |", "| 8 | 4 | 16 |"), encoding="utf-8")
    return run
