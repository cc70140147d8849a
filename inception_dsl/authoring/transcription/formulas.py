"""The formulas of rows: layers with the windows and widths that the table prints, and calls of modules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from inception_dsl.authoring.transcription.columns import Column
from inception_dsl.authoring.transcription.modules import branches
from inception_dsl.authoring.transcription.rows import Layer, filled
from inception_dsl.authoring.transcription.windows import OF_LAYER, Step
from inception_dsl.ir.shapes import Pair

Ask = Callable[[str, str], None]
"""Asks about a row, by its name."""


class Formula(NamedTuple):
    """The formula of a row, and the columns that it uses."""

    text: str
    columns: tuple[str, ...] = ()


@dataclass
class Formulas:
    """Writes the formulas of rows, in order.

    `before` are the sizes of the images that the rows read, `padding` the default padding of every layer, `calls` the
    modules that rows call, and `ask` takes the questions.
    """

    rows: Sequence[Layer]
    before: Sequence[Pair | None]
    columns: Sequence[Column]
    ask: Ask
    calls: Mapping[int, str] = field(default_factory=dict)
    padding: Mapping[str, str] = field(default_factory=dict)

    def step(self, i: int) -> Step | None:
        """The window of a row; None unless it is a layer with a kernel."""
        layer, kernel = self.layer(i), self._kernel(i)
        if kernel is None or layer not in OF_LAYER:
            return None
        return Step(layer, kernel, self._stride(i), self.before[i], self.rows[i].image)

    def layer(self, i: int) -> str:
        """The layer of a row; a pool of no kind is an average if nothing of the image is left."""
        row = self.rows[i]
        if row.kind.layer != "pool":
            return row.kind.layer
        return "avgpool" if row.image == (1, 1) else "maxpool"

    def formula(self, i: int) -> Formula:
        """The formula of a row."""
        row, layer = self.rows[i], self.layer(i)
        match layer:
            case "conv":
                found = self._conv(i)
            case "maxpool" | "avgpool":
                found = Formula(self._pool(i, layer))
            case "fc":
                found = Formula(self._classifier(i))
            case "dropout":
                if not row.kind.share:
                    self.ask(row.name, "which share does it drop?")
                found = Formula(f"dropout {row.kind.share or '50%'}")
            case "softmax":
                self.ask(row.name, "is it a layer, `softmax`? `pass` leaves it to the loss.")
                found = Formula("pass")
            case "lrn":
                self.ask(row.name, "over how many channels does it normalise, and with which constants?")
                found = Formula("lrn 5")
            case "flatten":
                found = Formula("flatten")
            case _:
                found = Formula(self.calls.get(i, "pass"))
        times = row.kind.times
        return found._replace(text=_repeated(times, found.text)) if times > 1 else found

    def _conv(self, i: int) -> Formula:
        row = self.rows[i]
        columns = filled([row], [column for column in self.columns if column.role == "argument"])
        parts = list(branches(columns, self._stride(i), self._own_padding(i)))
        if columns and all(part.sure for part in parts):
            text = " -> ".join(step for part in parts for step in part.steps)
            listed = ", ".join(f"`{column.name}`" for column in columns)
            self.ask(row.name, f"is it `{text}`? It fills {listed}.")
            return Formula(text, tuple(column.name for column in columns))
        kernel = self._kernel(i)
        if kernel is None:
            self.ask(row.name, "is its kernel 3x3? The table prints none.")
            kernel = (3, 3)
        depthwise = any(word in row.text.lower() for word in ("depthwise", "dw"))
        width = "{in}" if depthwise or not row.width else str(row.width)
        if not row.width and not depthwise:
            self.ask(row.name, "how many filters has it? The table does not print their number.")
        stride = f"/{self._stride(i)}" if self._stride(i) > 1 else ""
        words = self._own_padding(i) if kernel != (1, 1) else ""
        return Formula(f"conv {kernel[0]}x{kernel[1]}{stride} {width}{words}{' depthwise' if depthwise else ''}")

    def _pool(self, i: int, layer: str) -> str:
        row = self.rows[i]
        if row.kind.layer == "pool":
            self.ask(row.name, f"is it `{layer}`? The table says `pool`.")
        kernel = self._kernel(i)
        last = row.image == (1, 1) and any(
            self.layer(k) in ("fc", "dropout", "softmax") for k in range(i + 1, len(self.rows))
        )
        end = " -> flatten" if last else ""
        if kernel is None:
            if row.image == (1, 1) or "global" in row.text.lower():
                return f"{layer} global{end}"
            self.ask(row.name, "which kernel has it? The table prints none.")
            stride = self._stride(i)
            return f"{layer} {stride}x{stride}/{stride} valid"
        return f"{layer} {kernel[0]}x{kernel[1]}/{self._stride(i)}{self._own_padding(i)}{end}"

    def _classifier(self, i: int) -> str:
        later = any(row.kind.layer == "fc" for row in self.rows[i + 1 :])
        row = self.rows[i]
        if not later:
            return "fc {classes}"
        if not row.width:
            self.ask(row.name, "how many outputs has it? The table does not print their number.")
        return f"fc {row.width or 1}"

    def _kernel(self, i: int) -> Pair | None:
        row = self.rows[i]
        if row.kernel is None and self.layer(i) == "conv" and self.before[i] == row.image == (1, 1):
            return 1, 1
        return row.kernel

    def _stride(self, i: int) -> int:
        """The stride of a row: as printed, else what the sizes of the images say."""
        row, before = self.rows[i], self.before[i]
        if row.stride:
            return row.stride
        if self.layer(i) == "conv" or row.image in (None, (1, 1)) or before is None or row.image is None:
            return 1 if row.image == (1, 1) or self.layer(i) == "conv" else 2
        return max(round(before[0] / row.image[0]), 1)

    def _own_padding(self, i: int) -> str:
        """The padding of a row, where it is not the default."""
        step = self.step(i)
        if step is None:
            return ""
        fitting = step.fitting()
        default = self.padding.get(step.layer, "")
        if default in fitting or step.kernel == (1, 1):
            return "" if step.layer != "avgpool" else f" {default or fitting[0]}"
        if not fitting:
            sizes = [f"{size[0]}x{size[1]}" for size in (step.before, step.after) if size]
            self.ask(self.rows[i].name, f"is its size right? No padding makes {' to '.join(sizes)} with this window.")
            return f" {default or 'same'}" if step.layer == "avgpool" else ""
        return f" {fitting[0]}"


def _repeated(times: int, text: str) -> str:
    return f"{times} of [ {text} ]" if " -> " in text or " of " in text else f"{times} of {text}"
