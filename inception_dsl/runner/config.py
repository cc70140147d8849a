"""What a run does. Every value can be set: `--set optim.lr=0.02`."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Data:
    """The images, and how they arrive."""

    source: str = ""  # where they are: `folder:/data/imagenet`, `idx:/data/mnist`
    channels: int = 3
    height: int = 224
    width: int = 224
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)  # of the channels, in [0, 1]; one number stands for all
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    batch: int = 256  # images a step, over all ranks
    workers: int = 2  # processes a rank that read images; they change nothing but the speed
    unreadable: str = "replace"  # an image that cannot be read: "replace" it by the next, or "stop"


@dataclass
class Augment:
    """What is done to an image, in training and to evaluate."""

    crop: str = "area"  # "area", "window" (of the resized image), "shift" (pad, then cut) or "whole"
    area: tuple[float, float] = (0.08, 1.0)  # of "area": the part of the image that a crop covers
    aspect: tuple[float, float] = (0.75, 4 / 3)  # of "area": width over height
    resize: int = 256  # the shorter side, of "window" and of "centre"
    padding: int = 4  # of "shift"
    flip: bool = True  # every second image is mirrored
    interpolation: str = "bilinear"  # "bilinear" or "random" (bilinear, nearest, bicubic or area)
    colour: str = "none"  # "none", "photometric" or "tensorflow"
    evaluation: str = "centre"  # "centre" (of the image resized), "central" (a part of the image) or "whole"
    central: float = 0.875  # of "central": the part of each side


@dataclass
class Optim:
    """The optimiser."""

    name: str = "sgd"  # "sgd", "rmsprop" (TensorFlow's) or "adamw"
    lr: float = 0.5
    scale: str = "none"  # the rate for another batch: "none", "linear" or "sqrt" of batch / `reference`
    reference: int = 256
    momentum: float = 0.9
    nesterov: bool = False
    decay: float = 0.9  # of "rmsprop": how slowly the mean square moves
    eps: float = 1.0  # of "rmsprop" and "adamw"
    weight_decay: float = 5e-5
    decay_all: bool = False  # whether biases and norms decay too
    bias_lr: float = 1.0  # the rate of biases is so many times the others'
    clip: float = 0.0  # the largest norm of the gradient; 0: any


@dataclass
class Schedule:
    """The learning rate over the steps."""

    name: str = "cosine"  # "constant", "exponential", "polynomial" or "cosine"
    epochs: float = 90.0
    warmup: float = 0.0  # epochs of a rate that rises from 0
    factor: float = 0.94  # of "exponential": every so many epochs, at once if `staircase`
    every: float = 2.0
    staircase: bool = True
    power: float = 0.5  # of "polynomial"


@dataclass
class Loss:
    """Cross-entropy."""

    smoothing: float = 0.0  # the part of the target that all classes share
    heads: dict[str, float] = field(default_factory=dict)  # the auxiliary classifiers, and what their losses count


@dataclass
class Average:
    """The weights that are evaluated and exported."""

    name: str = "none"  # "none", "ema" (TensorFlow's moving average) or "polyak" (the mean of all steps)
    decay: float = 0.9999  # of "ema"


@dataclass
class Run:
    """The machine's side: nothing here belongs to a paper."""

    seed: int = 0
    precision: str = "fp32"  # "fp32" (NVIDIA convolves in TF32), "bf16" or "auto": bf16 where the device has it
    channels_last: bool = True
    compile: bool = False
    accumulate: int = 1  # micro-batches a step; more of them where the memory asks for it
    sync_bn: bool = False
    deterministic: bool = False
    save_every: int = 1000  # steps
    keep: int = 3  # checkpoints
    evaluate_every: float = 1.0  # epochs
    log_every: int = 10  # steps


@dataclass
class Config:
    """All of it."""

    data: Data = field(default_factory=Data)
    augment: Augment = field(default_factory=Augment)
    optim: Optim = field(default_factory=Optim)
    schedule: Schedule = field(default_factory=Schedule)
    loss: Loss = field(default_factory=Loss)
    average: Average = field(default_factory=Average)
    run: Run = field(default_factory=Run)


@dataclass(frozen=True)
class NetworkInfo:
    """The network: what it is called, and the spec that it was generated from."""

    name: str
    title: str
    spec: str  # the sha256
