"""Which versions are at work: the tool's, Python's, and those of the libraries that it uses, where installed."""

from __future__ import annotations

from importlib import metadata
from typing import Any, Final

LIBRARIES: Final = (
    *("click", "jinja2", "lark", "onnx", "pydantic", "pydantic_core", "pyyaml"),
    *("keras", "matplotlib", "numpy", "onnxruntime", "pillow"),
    *("pyarrow", "safetensors", "timm", "torch", "torchvision"),
)
"""Those of the core install, and those of the extras."""


def tool() -> str:
    """The version of inception-dsl; "unknown" where it is not installed."""
    return _version("inception-dsl") or "unknown"


def environment() -> dict[str, Any]:
    """What a report of a fault should say: Python, the platform, and each library, None where it is not installed."""
    import platform

    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": {name: _version(name) for name in LIBRARIES},
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
