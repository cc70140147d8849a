"""Settings given on the command line: `--set width=0.5`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from inception_dsl.diagnostics.codes.extends import INVALID_SETTING
from inception_dsl.diagnostics.diagnostic import Findings
from inception_dsl.diagnostics.spelling import did_you_mean, listing
from inception_dsl.runner.base.settings import settings_called
from inception_dsl.spec.elsewhere import suggest
from inception_dsl.spec.network import Base, NetworkSpec
from inception_dsl.spec.training_model import GROUPS
from inception_dsl.spec.vocabulary.plugins import layer_names


def with_settings(base: Base, values: Mapping[str, str]) -> NetworkSpec:
    """The spec in `base` with other values of its settings, given as texts; it counts as a variant of that spec.

    Raises `SpecError` E125 for an unknown setting, and for a value that a setting cannot have.
    """
    findings, spec = Findings(), base.spec
    settings = dict(spec.settings)
    for name, text in values.items():
        if name not in settings:
            hint = did_you_mean(name, settings) or (
                f"it has {listing(settings)}" if settings else "the spec declares no settings"
            )
            if runs := settings_called(name, (f"{group}.{key}" for group, keys in GROUPS.items() for key in keys)):
                hint += f"; a run has {listing(runs)}"
            findings.error(INVALID_SETTING, f"`{spec.network}` has no setting `{name}`", help=hint)
            continue
        settings[name] = settings[name].set(text)
        if problem := settings[name].problem():
            place = spec.document.value_span(("settings", name))
            hint = suggest(text, layer_names()) if settings[name].type == "layer" else ""
            findings.error(
                INVALID_SETTING, f"the setting `{name}` cannot be {text or 'empty'}", place, problem, help=hint
            )
    findings.stop()
    reported = spec.reported if settings == spec.settings else ()  # of the network that was measured, not of others
    return replace(spec, settings=settings, reported=reported, base=base)
