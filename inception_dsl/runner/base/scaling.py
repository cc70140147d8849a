"""Rate, warm-up and weight average that fit the batch."""

from __future__ import annotations

from inception_dsl.runner.base.config import Config
from inception_dsl.runner.base.settings import lookup

SCALES = {  # the exponent of batch / reference
    "none": 0.0,
    "linear": 1.0,  # 1706.02677, of SGD
    "sqrt": 0.5,  # 2205.10287, of RMSProp and Adam
}

AUTO_SCALES = {  # what "auto" is for an optimiser
    "sgd": "linear",
    "rmsprop": "sqrt",
    "adamw": "sqrt",
}

WARMUP_EPOCHS = 5.0  # of a rate that is scaled up (1706.02677, section 2.2)
WARMUP_FRACTION = 0.1  # of the run, at most


def scale_name(config: Config) -> str:
    """The rule by which the rate follows the batch: that of the optimiser, unless `optim.scale` names one."""
    optim = config.optim
    return lookup(AUTO_SCALES, optim.name, "optim.name") if optim.scale == "auto" else optim.scale


def batch_ratio(config: Config) -> float:
    """The batch of this run over the one that the recipe's numbers are for."""
    return config.data.batch / (config.optim.reference or config.data.batch)


def base_learning_rate(config: Config) -> float:
    """The peak learning rate for the batch of this run."""
    power = lookup(SCALES, scale_name(config), "optim.scale")
    return float(config.optim.lr * batch_ratio(config) ** power)


def warmup_epochs(config: Config) -> float:
    """The length of the warm-up: by default none, unless the rate is scaled up."""
    if config.schedule.warmup >= 0:
        return config.schedule.warmup
    longest = WARMUP_FRACTION * config.schedule.epochs
    return min(WARMUP_EPOCHS, longest) if base_learning_rate(config) > config.optim.lr else 0.0


def average_decay(config: Config) -> float:
    """The decay of the moving average in a step of this run's batch: equal over equally many images (2307.13813)."""
    return float(config.average.decay ** (1 if scale_name(config) == "none" else batch_ratio(config)))


def scaling_summary(config: Config) -> str:
    """The rate, the warm-up and the decay that a run has, in one line."""
    optim, batches = config.optim, f"{config.data.batch} / {config.optim.reference}"
    rate, warmup, decay = base_learning_rate(config), warmup_epochs(config), average_decay(config)
    factor = f"sqrt({batches})" if scale_name(config) == "sqrt" else batches
    parts = [f"learning rate {rate:.4g}" + f" ({optim.lr:g} x {factor})" * (rate != optim.lr)]
    parts += [f"warm-up over {warmup:.3g} epoch" + "s" * (warmup != 1) if warmup else "no warm-up"]
    if config.average.name == "ema":
        stated = f" ({config.average.decay:g} to the power of {batch_ratio(config):g})"
        parts += [f"decay of the average {decay:.6g}" + stated * (decay != config.average.decay)]
    return "; ".join(parts)
