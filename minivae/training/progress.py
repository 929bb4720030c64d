"""The progress bar of an epoch, on standard error, with the ELBO, log-likelihood and KL so far in nats."""

from tqdm import tqdm

__all__ = ["EpochBar"]

REFRESH = 20  # steps between two updates of the numbers: writing them costs more than a small step


class EpochBar:
    """A context manager around an epoch.

    Parameters
    ----------
    epoch, epochs : int
        The number of this epoch, and how many there are.
    steps : int
        Batches in the epoch.
    show : bool
        False makes a bar that does nothing.
    """

    def __init__(self, epoch, epochs, steps, show):
        self.epoch = epoch
        width = len(str(epochs))
        self._bar = tqdm(total=steps, desc=f"epoch {epoch:{width}}/{epochs}", unit="batch", disable=not show,
                         bar_format="{desc} {bar:10} {n_fmt}/{total_fmt} {elapsed}{postfix}")
        self._steps = 0

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._bar.close()

    def step(self, means):
        """Advance by one batch; ``means`` are the means over the batches so far."""
        self._steps += 1
        if self._steps % REFRESH == 0:
            self._bar.set_postfix_str(_in_words(means), refresh=False)
            self._bar.update(REFRESH)

    def finish(self, row):
        """Show the whole epoch's numbers, and the held-out ELBO where there is one."""
        held_out = f" | held-out ELBO {row['held_out_elbo']:.2f}" if "held_out_elbo" in row else ""
        self._bar.set_postfix_str(_in_words(row) + held_out, refresh=False)
        self._bar.update(self._bar.total - self._bar.n)


def _in_words(means):
    objective = f"objective {means['objective']:.2f}, " if "objective" in means else ""
    return f"{objective}ELBO {means['elbo']:.2f}, log p(x|z) {means['log_likelihood']:.2f}, KL {means['kl']:.2f}"
