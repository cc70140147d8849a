"""Names: which are valid in every target, and the identifiers that labels and columns become."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Collection
from typing import Final

IDENTIFIER: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
MAX_NAME: Final = 60

MODULE_MEMBERS: Final = frozenset(
    """
    T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches eval
    extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict modules
    mtia named_buffers named_children named_modules named_parameters parameters register_backward_hook register_buffer
    register_forward_hook register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
    register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module register_parameter
    register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule
    share_memory state_dict to to_empty train training type xpu zero_grad append extend insert pop keys values items
    """.split()
)
"""Members of `torch.nn.Module` and its containers, whose names no layer can have."""

GENERATED: Final = frozenset(
    {"input", "totals", "logits", "x", "self", "torch", "nn", "super", "classes", "concat", "add", "Output"}
)
"""Names that the generated files and the spec use."""

LOGGED: Final = frozenset(
    "step epoch loss gradient lr unreadable stop skipped loss_scale clock images_per_second waiting memory_gb".split()
)
"""Keys of the training log and of a step's numbers, which also have the loss of every head under its name."""


def problem(name: str) -> str:
    """Why `name` cannot name a row, module, head or network; empty where it can."""
    if len(name) > MAX_NAME:
        return f"it is longer than {MAX_NAME} characters"
    if not name.isascii() or not IDENTIFIER.fullmatch(name):
        return "a name is a letter, then letters, digits and `_`"
    if keyword.iskeyword(name):
        return "this is a Python keyword"
    if name in MODULE_MEMBERS:
        return "every PyTorch module has a member of this name"
    if name in GENERATED:
        return "the generated code uses this name"
    return ""


def head_problem(name: str) -> str:
    """Why `name` cannot name a head; empty where it can."""
    if name in LOGGED:
        return "the training log uses this name"
    if name.startswith("test_"):
        return "the training log uses this prefix for scores"
    return problem(name)


def label_problem(label: str) -> str:
    """Why `label` cannot name a branch or step; it may start with a digit (`3x3`)."""
    return problem(f"b{label}" if label[:1].isdigit() else label)


def from_label(label: str) -> str:
    """The attribute that a label becomes: `3x3` is `b3x3`."""
    return f"b{label}" if label[0].isdigit() else label


def from_column(column: str, taken: Collection[str] = ()) -> str:
    """The argument that a column becomes: `#3x3 reduce` is `n3x3_reduce`, `pool proj` is `pool_proj`."""
    letters = "".join(c for c in unicodedata.normalize("NFD", column) if not unicodedata.combining(c))  # `é` is `e`
    name = "_".join(re.findall(r"[A-Za-z0-9]+", letters)) or "n"
    name = name if name[0].isalpha() else f"n{name}"
    if problem(name) or name in taken or name in ("l", "O", "I"):
        name += "_"
    while name in taken:
        name += "_"
    return name
