"""What other distributions add by entry points, where it cannot be used."""

from __future__ import annotations

from typing import Final

from inception_dsl.diagnostics.codes.code import Code

REMEDY: Final = "update or uninstall the plugin; `inception-dsl plugins` lists all that are installed"
"""The help of both."""

_WHY = """\
A plugin is a distribution with entry points in the groups `inception_dsl.layers`, `.words`, `.backends`, `.lint`,
`.recipes` or `.readers`; the message names it, with its version. It is left out where

- its module cannot be imported, or has no object of that name;
- the object is of another type than its group holds;
- a hook is missing: a layer needs a rule for PyTorch and one for ONNX, a backend with rules one for every op of ours;
- its name is one of ours, or another plugin has it too: which one is meant must not depend on what is installed.

`inception-dsl plugins` lists the plugins that are installed, each with what is wrong with it. docs/plugins.md shows how
to write one.
"""

PLUGIN_LEFT_OUT = Code(
    "W009",
    "a plugin is left out",
    f"""\
A listing leaves out what a plugin cannot give, and goes on. A spec or an option that needs it is an error, E009.

{_WHY}""",
    about_installation=True,
)

UNUSABLE_PLUGIN = Code(
    "E009",
    "a plugin that is needed cannot be used",
    f"""\
A spec or an option names what a plugin offers, and the plugin fails, or raises an exception when it is used. A listing
leaves it out with a warning, W009.

{_WHY}""",
)
