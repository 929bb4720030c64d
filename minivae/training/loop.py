"""The training loop: shuffle, forward, backward, step, and a checkpoint at the end of every epoch.

All random numbers of a run come from one generator, whose state is part of the checkpoint. So a run that was killed and
resumed ends with the same bits as one that was not, on the same machine and with the same number of threads.
"""

import os

import numpy as np

from ..data import BINARIZATIONS, deal, prepare
from ..data.minibatches import check_batch_size
from ..evaluation.cores import one_blas_thread
from ..evaluation.elbo import mean_elbo
from ..files import remove_writable
from ..model import VAE, ConditionalVAE
from ..model.arguments import finite_number, one_of, positive_integer, whole_number
from .checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from .finite import check_means, check_parameters
from .optimizers import SGD, Adam
from .progress import EpochBar
from .schedules import SCHEDULES, warm_up
from .settings import check_same_settings, run_settings, training_record
from .threads import can_share, choose_threads, steps_on

__all__ = ["train"]


def train(model, images, *, epochs=10, batch_size=100, optimizer=None, learning_rate=None, schedule=None,
          samples=1, binarize=None, beta_warm_up=0, held_out=None, seed=0, checkpoint=None, resume=False, notes=None,
          progress=True, threads=None, after_epoch=None):
    """Train a model in place.

    Parameters
    ----------
    model : VAE
        With any objective: a ``VAE``, a ``MonteCarloELBO``, an ``IWAE`` or another of their kind.
    images : ndarray, shape (N, rows, columns) or (N, D)
        Training data: uint8 grey levels, or floats.
    epochs : int, optional
        Passes through the data.
    batch_size : int, optional
        B. The few images left over after the last whole batch are not used in that epoch.
    optimizer : Adam or SGD, optional
        By default ``Adam`` with ``learning_rate``.
    learning_rate : float, optional
        Step size of the default optimizer, 5e-3 if not given.
    schedule : {"constant", "cosine"}, optional
        Whether the step size stays, or falls to zero over the run along half a cosine (equation 8.10). By default
        "cosine" for the default optimizer, "constant" for an optimizer of your own.
    samples : int, optional
        S, draws of z per example, for a ``MonteCarloELBO`` or an ``IWAE``. A ``VAE`` takes one.
    binarize : {"dynamic", "fixed", "threshold", "none"}, optional
        How grey levels become pixels; by default "dynamic" for a Bernoulli model, "none" for a Gaussian.
    beta_warm_up : float, optional
        Epochs over which the KL's weight rises to the model's beta (equation 8.11).
    held_out : ndarray, shape (M, rows, columns) or (M, D), optional
        Data on which the ELBO is measured after each epoch, with the same pixels and noise each time.
    seed : int, optional
        Seed for shuffling, binarization and noise.
    checkpoint : path, optional
        Where to write the run's state after each epoch. A new run removes a file of that name when it starts.
    resume : bool, optional
        Continue from ``checkpoint`` if there is one. ``model`` then takes its parameters, and its settings and
        the arguments here must be those of the run; only ``epochs`` may be raised under a constant schedule.
    notes : dict, optional
        Anything that JSON can hold, to be kept in the checkpoint.
    progress : bool, optional
        Whether to show a progress bar for each epoch, on standard error.
    threads : int, optional
        Threads that share every step. By default one for each free core if the steps are large enough to gain from it,
        else one; a resumed run keeps the number it had. Another number changes the result by rounding only. During
        training each of NumPy's matrix products runs on one thread.
    after_epoch : callable, optional
        Called after each epoch with the history so far. It may look at the model but must not change it.

    Returns
    -------
    history : list of dict
        For each epoch: "epoch"; "elbo", "log_likelihood" and "kl", means over its batches during training, and
        "objective" where that is made from several draws; "beta" and "learning_rate" at its end; and, with
        ``held_out``, "held_out_elbo" and the others. In nats per example.

    Raises
    ------
    ValueError
        If an argument has a wrong type or value, or contradicts the checkpoint.
    NonFiniteError
        At the first NaN or infinity. ``model`` then holds the parameters that led to it; the checkpoint is that of the
        last whole epoch.
    """
    if not isinstance(model, VAE):
        raise ValueError(f"model must be a VAE; got a {type(model).__name__}. The order is train(model, images).")
    if optimizer is not None and not isinstance(optimizer, (Adam, SGD)):
        raise ValueError(f"optimizer must be an optimizer object, such as mv.Adam(1e-3); got {optimizer!r}.")
    epochs = positive_integer("epochs", epochs)
    schedule = one_of("schedule", schedule or ("cosine" if optimizer is None else "constant"), tuple(SCHEDULES))
    samples = positive_integer("samples", samples)
    if samples > 1 and type(model) in (VAE, ConditionalVAE):
        raise ValueError(f"samples is for models of several draws; got {samples} for a {type(model).__name__}. Train a "
                         "mv.IWAE?")
    beta_warm_up = finite_number("beta_warm_up", beta_warm_up)
    if binarize is None:
        binarize = "dynamic" if model.likelihood.unit_interval else "none"
    one_of("binarize", binarize, tuple(BINARIZATIONS))
    if optimizer is not None and learning_rate is not None:
        raise ValueError("learning_rate is for the default optimizer; an optimizer of your own has its own.")
    if resume and checkpoint is None:
        raise ValueError("resume needs a checkpoint: the path of the run's model file.")
    optimizer = optimizer or Adam(5e-3 if learning_rate is None else learning_rate)
    seed = whole_number("seed", seed)
    rng = np.random.default_rng(seed)
    images = prepare(images, binarize, data_dim=model.input_dim, classes=model.conditions)
    batch_size = check_batch_size(batch_size, len(images))
    if threads is not None and positive_integer("threads", threads) > batch_size:
        raise ValueError(f"threads must be at most the batch size, {batch_size}; got {threads}.")
    if threads not in (None, 1) and not can_share(model, optimizer):
        raise ValueError(f"threads can share steps only of the package's own models and optimizers; got {threads} for "
                         f"a {type(model).__name__} and a {type(optimizer).__name__}. Leave threads out?")
    if held_out is not None:
        held_out = prepare(held_out, binarize, data_dim=model.input_dim, classes=model.conditions, name="held_out")

    settings = run_settings(model, optimizer, images, held_out, epochs=epochs, batch_size=batch_size,
                            schedule=schedule, samples=samples, binarize=binarize, beta_warm_up=beta_warm_up, seed=seed)
    history, top_rate = [], optimizer.learning_rate
    saved = load_checkpoint(checkpoint) if resume and os.path.exists(checkpoint) else None
    if saved and saved.history:  # without an epoch there is no run to resume
        check_same_settings(settings, saved.settings, checkpoint)
        model.parameters.flat[...], model.record = saved.model.parameters.flat, saved.model.record
        optimizer.restore(saved.optimizer)
        rng.bit_generator.state = saved.random_state
        history, notes = saved.history, saved.notes if notes is None else notes
        threads = saved.work.get("threads") if threads is None and can_share(model, optimizer) else threads
    threads = threads or choose_threads(model, optimizer, batch_size * samples)
    steps = len(images) // batch_size  # in an epoch

    def save(blas):
        if checkpoint is not None:
            save_checkpoint(checkpoint, Checkpoint(
                model, optimizer.state(), settings, history, rng.bit_generator.state, notes or {},
                {"threads": threads, "blas": blas}))

    if not history and checkpoint is not None:
        remove_writable(checkpoint)
    start = {name: array.copy() for name, array in optimizer.state().items()}
    try:
        with one_blas_thread() as blas, steps_on(threads, model, optimizer, batch_size, samples) as training:
            for epoch in range(len(history) + 1, epochs + 1):

                def settings_of(batch):
                    """Return the step size and the KL's weight at a batch of this epoch, counted from 0."""
                    step = (epoch - 1) * steps + batch
                    return (top_rate * SCHEDULES[schedule](step, epochs * steps),
                            model.beta * warm_up(step, beta_warm_up * steps))

                batches = deal(images, batch_size, binarize, rng, model.dtype)
                with EpochBar(epoch, epochs, steps, show=progress) as bar:
                    row = {"epoch": epoch, **_train_epoch(training, batches, samples, settings_of, rng, bar)}
                    if held_out is not None:
                        row |= _held_out_means(model, held_out, binarize, samples, seed, f"epoch {epoch}")
                    history.append(row)
                    model.record = training_record(settings, len(history))
                    save(blas)
                    bar.finish(row)
                if after_epoch is not None:
                    after_epoch(history)
    finally:
        optimizer.learning_rate = top_rate  # the schedule changed it, not the caller
        if not history:
            optimizer.restore(start)  # stopped in the first epoch: the next run starts where this one did
    return history


def _held_out_means(model, held_out, binarize, samples, seed, where):
    with np.errstate(over="ignore", invalid="ignore"):
        means = mean_elbo(model, held_out, binarize, np.random.default_rng([seed, 1]), samples)
    row = {f"held_out_{name}": means[name] for name in model.reported}
    check_means(row, where)
    return row


def _train_epoch(training, batches, samples, settings_of, rng, bar):
    """Take one step on each batch; return the epoch's means, and the step size and beta of its last step."""
    model, optimizer = training.model, training.optimizer
    sums = dict.fromkeys(model.reported, 0.0)
    for step, x in enumerate(batches):
        optimizer.learning_rate, beta = settings_of(step)
        eps = rng.standard_normal((len(x) * samples, model.latent_dim), dtype=model.dtype)
        traces = training.take(x, eps, beta, f"epoch {bar.epoch}, batch {step + 1}")
        for name in model.reported:
            values = [trace[name] for trace in traces]
            sums[name] += sum(float(part.sum()) for part in values) / sum(map(len, values))
        bar.step({name: total / (step + 1) for name, total in sums.items()})
    check_parameters(model.parameters, f"epoch {bar.epoch}, after its last step")
    return {**{name: total / (step + 1) for name, total in sums.items()},
            "beta": beta, "learning_rate": optimizer.learning_rate}
