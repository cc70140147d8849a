"""The versions of the tool, of Python, and of the installed libraries that it uses."""

from __future__ import annotations

from importlib import metadata
from typing import Any, Final

REPORTED: Final = (
    *("click", "jinja2", "lark", "onnx", "pydantic", "pydantic_core", "pyyaml"),
    *("keras", "numpy", "onnxruntime", "pillow"),
    *("pyarrow", "safetensors", "timm", "torch", "torchvision"),
    *("markdown-it-py", "mcp", "pylatexenc", "resvg-py"),
)
"""The libraries of the core installation, then those of the extras."""


def tool() -> str:
    """Return the version of inception-dsl, "unknown" if it is not installed."""
    return _version("inception-dsl") or "unknown"


def environment() -> dict[str, Any]:
    """Return what a bug report needs: Python, the platform, and each library, None if it is not installed."""
    import platform

    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": {name: _version(name) for name in REPORTED},
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
