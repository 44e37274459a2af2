"""The learning rate at a step."""


def rate_factor(schedule: str, step: int, n_steps: int, warmup: float) -> float:
    """Share of the highest learning rate at a step, counted from 0.

    bert_tf: rises over the first int(n_steps * warmup) steps, then 1 - step / n_steps, counted from step 0,
    so that it drops at the end of the rise (google-research/bert, optimization.py). hf_linear: rises the
    same way, then falls from 1 to 0 over the steps that are left.
    """
    n_warmup = int(n_steps * warmup)
    if step < n_warmup:
        return step / n_warmup
    if schedule == "bert_tf":
        return max(0.0, 1.0 - step / n_steps)
    return max(0.0, (n_steps - step) / max(1, n_steps - n_warmup))
