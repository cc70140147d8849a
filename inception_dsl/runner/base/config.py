"""The settings of a run. Each can be set on the command line: `--set optim.lr=0.02`."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Data:
    """The images and how they are loaded."""

    source: str = ""  # KIND:PATH, such as `folder:/data/imagenet` or `idx:/data/mnist`
    channels: int = 3  # of the images that the network reads
    height: int = 224  # of the images that the network reads, in pixels
    width: int = 224  # likewise
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)  # per channel, of values in [0, 1]; one number serves all channels
    std: tuple[float, ...] = (0.229, 0.224, 0.225)  # what the difference from the mean is divided by
    batch: int = 256  # images per step, over all ranks
    workers: int = -1  # loader processes per rank, which affect only the speed; -1: chosen from the cores
    prefetch: int = 4  # batches that each worker prepares in advance
    timeout: float = 0.0  # seconds to wait for a batch before the run ends; 0: no limit
    unreadable: str = "replace"  # on an image that cannot be read: "replace" it by the next, or "stop"


@dataclass
class Augment:
    """How an image is transformed, for training and for evaluation."""

    crop: str = "area"  # "area", "window" (of the resized image), "shift" (the whole, shifted) or "whole"
    area: tuple[float, float] = (0.08, 1.0)  # of "area": the fraction of the image that a crop covers
    aspect: tuple[float, float] = (0.75, 4 / 3)  # of "area": the width over the height
    resize: int = 256  # of "window" and "centre": the shorter side, in pixels
    padding: int = 4  # of "shift": pixels on each side
    flip: bool = True  # mirror an image with probability 1/2
    interpolation: str = "bilinear"  # "bilinear", or "random": bilinear, nearest, bicubic or area
    colour: str = "none"  # "none", "photometric" or "tensorflow"
    randaugment: int = 0  # random changes of geometry and colour to an image, as RandAugment makes them
    magnitude: int = 9  # of RandAugment: their strength, up to 30
    erasing: float = 0.0  # the probability that a rectangle of an image is erased
    mixup: float = 0.0  # the alpha of Mixup, which blends the images of a batch; 0 means none
    cutmix: float = 0.0  # the alpha of CutMix, which exchanges rectangles of them; 0 means none
    repeats: int = 1  # different views of an image in a batch (repeated augmentation)
    evaluation: str = "centre"  # "centre" (of the resized image), "central" (a fraction of the image) or "whole"
    central: float = 0.875  # of "central": the fraction of each side


@dataclass
class Optim:
    """The optimiser."""

    name: str = "sgd"  # "sgd", "rmsprop" (TensorFlow's) or "adamw"
    lr: float = 0.5  # the learning rate, for a batch of `reference` images
    scale: str = "auto"  # lr x batch / reference ("linear"), x its root ("sqrt"), "none"; "auto": by the optimiser
    reference: int = 0  # the batch that lr and average.decay are for; 0: the batch of the recipe
    momentum: float = 0.9  # of "adamw": its first beta
    nesterov: bool = False  # of "sgd": look ahead along the momentum
    decay: float = 0.9  # of "rmsprop": the decay of the mean square
    eps: float = 1.0  # of "rmsprop" and "adamw"
    weight_decay: float = 5e-5  # an L2 penalty on weights; "adamw" keeps it out of the gradient
    decay_all: bool = False  # apply weight decay to biases and normalisation layers too
    bias_lr: float = 1.0  # multiplies the learning rate of biases
    trunk_lr: float = 1.0  # multiplies the learning rate of everything that comes from transfer.weights
    clip: float = 0.0  # the largest norm of the gradient; 0 means no limit
    bn_momentum: float = 0.0  # how far running statistics move in a step; 0: as the network has it, 0.1 in torch


@dataclass
class Schedule:
    """The learning rate over time."""

    name: str = "cosine"  # "constant", "exponential", "polynomial" or "cosine"
    epochs: float = 90.0  # passes over the images, from the first step to the last
    warmup: float = -1.0  # epochs in which the rate rises from 0; -1: 5 if it is scaled up, in a short run a tenth
    factor: float = 0.94  # of "exponential": applied every `every` epochs; in between smoothly, unless `staircase`
    every: float = 2.0  # of "exponential": epochs between two factors
    staircase: bool = True  # of "exponential": the rate is constant between two factors
    power: float = 0.5  # of "polynomial"


@dataclass
class Loss:
    """The loss, which decides how labels are read: one class per image, any number of them, or numbers."""

    name: str = "cross_entropy"  # "cross_entropy", "bce" (of several labels per image) or "mse" (of numbers)
    smoothing: float = 0.0  # of "cross_entropy" and "bce": the probability that is spread over all classes
    heads: dict[str, float] = field(default_factory=dict)  # the weight of each auxiliary head's loss


@dataclass
class Average:
    """How the weights are averaged that are evaluated and exported."""

    name: str = "none"  # "none", "ema" (TensorFlow's moving average) or "polyak" (the mean over all steps)
    decay: float = 0.9999  # of "ema", in a step of `optim.reference` images


@dataclass
class Transfer:
    """What the run starts from, and what it leaves as it is."""

    weights: str = ""  # a .safetensors file, in the working folder or beside train.py; empty: all weights are drawn
    sha256: str = ""  # of that file; another file is refused
    new: str = ""  # modules that the file does not give, such as `fc, aux1.fc2`: they are drawn
    freeze: str = ""  # modules that do not learn, such as `conv1, inception_3a`; batch norms keep their statistics


@dataclass
class Run:
    """How the run uses the machine; none of it comes from a paper."""

    seed: int = 0  # of the weights, of the order of the images and of their changes
    precision: str = "fp32"  # "fp32" (TF32 convolutions on NVIDIA), "bf16", "fp16", or "auto": bf16 if supported
    channels_last: bool = True  # store images with the channels of a pixel side by side
    compile: bool = False  # run the network through torch.compile
    accumulate: int = 1  # micro-batches per step; raised automatically if memory runs out
    skip_limit: int = 10  # steps in a row with a loss or gradient that is not finite, before the run ends
    sync_bn: bool = False  # normalise by the batches of all ranks
    batch_statistics: str = "average"  # over the ranks, or those of the "first" rank
    deterministic: bool = False  # take deterministic algorithms, which may be slower
    save_every: int = 1000  # steps between checkpoints
    keep: int = 3  # checkpoints to keep
    evaluate_every: float = 1.0  # epochs
    log_every: int = 10  # steps
    trackers: str = "auto"  # "auto" (TensorBoard if installed), "none", or names: "tensorboard, wandb, mlflow"


@dataclass
class Config:
    """All settings, by group."""

    data: Data = field(default_factory=Data)
    augment: Augment = field(default_factory=Augment)
    optim: Optim = field(default_factory=Optim)
    schedule: Schedule = field(default_factory=Schedule)
    loss: Loss = field(default_factory=Loss)
    average: Average = field(default_factory=Average)
    transfer: Transfer = field(default_factory=Transfer)
    run: Run = field(default_factory=Run)


@dataclass(frozen=True)
class NetworkInfo:
    """The network's name, its title, and the spec that it was generated from."""

    name: str
    title: str
    spec: str  # the sha256 of the network that it describes
