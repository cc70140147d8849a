"""Recipes: files with the settings of a run."""

from pathlib import Path

SHORT = Path(__file__).with_name("swish-short.yaml")
