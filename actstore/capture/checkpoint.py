"""describe: from a source to the reference that a store keeps. Reads files; loads no model."""

from actstore.capture.config import max_positions, n_layers, read_config, width
from actstore.capture.identity import random_sha256, trunk_sha256
from actstore.capture.source import CheckpointSource, resolve
from actstore.capture.tokenizer import load_tokenizer
from actstore.schema.refs import CheckpointRef, check_name


def describe(source: CheckpointSource) -> CheckpointRef:
    """What a checkpoint is: sizes, identity of its weights and of its tokenizer.

    Raises ModelError where folder, configuration, weights or tokenizer are missing or damaged, or where the
    weights are a pickle that is not allowed.
    """
    check_name(source.name, "checkpoint")
    folder = resolve(source)
    config = read_config(folder)
    layers, units = n_layers(config), width(config)
    tokenizer = load_tokenizer(folder)
    random = source.init == "random"
    return CheckpointRef(
        name=source.name,
        trunk_sha256=(
            random_sha256(config, source.seed)
            if random
            else trunk_sha256(folder, config, allow_pickle=source.allow_pickle)
        ),
        tokenizer_sha256=tokenizer.sha256,
        family=config["model_type"],
        n_layers=layers,
        width=units,
        max_positions=max_positions(config),
        source=source.model if source.revision is None else f"{source.model}@{source.revision}",
        base=source.base,
        task=source.task,
        replicate=source.replicate,
        step=source.step,
        init=source.init,
        seed=source.seed if random else None,
        config=config,
    )
