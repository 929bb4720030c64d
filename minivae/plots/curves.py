"""The figure of the learning curves: the ELBO and its two parts, each in its own panel."""

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .mosaic import count
from .style import BLUE, VERMILLION, WIDTH

__all__ = ["learning_curves"]


def learning_curves(history):
    """Draw the ELBO and its two parts by epoch, in nats, each in its own panel; and the objective, if it is another.

    Parameters
    ----------
    history : list of dict
        One dict for each epoch, as ``train`` returns them, with epoch, elbo, log_likelihood and kl. The held-out values
        and objective may be absent or None.

    Returns
    -------
    figure : Figure

    Raises
    ------
    ValueError
        If history is empty or an epoch lacks a number.
    """
    panels = {"elbo": "ELBO (higher is better)", "log_likelihood": "Log-likelihood log p(x|z)",
              "kl": "KL(q(z|x) || p(z))"}
    if len(history) and history[0].get("objective") is not None:
        panels = {"objective": "Objective (what training raises)"} | panels
    if len(history) == 0:
        raise ValueError("history must hold at least one epoch; got none. Train first.")
    for row in history:
        missing = [name for name in ("epoch", *panels) if row.get(name) is None]
        if missing:
            raise ValueError(f"history must hold {', '.join(missing)} for every epoch; got only {', '.join(row)}.")
    rows = 2 if len(panels) == 4 else 1
    figure = Figure(figsize=(WIDTH, 3.3 * rows), layout="constrained")
    figure.suptitle("Learning curves")
    for axes, (name, title) in zip(figure.subplots(rows, len(panels) // rows).flat, panels.items()):
        _curve(axes, history, name, "training (mean during the epoch)", BLUE, "o-")
        _curve(axes, history, f"held_out_{name}", "held-out (after the epoch)", VERMILLION, "s--")
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("epoch")
        axes.set_ylabel("nats")
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
        axes.grid(alpha=0.3)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    last = history[-1]
    figure.alt = (f"{'Four' if rows > 1 else 'Three'} line charts over {count(len(history), 'epoch')}. The ELBO goes "
                  f"from {history[0]['elbo']:.1f} to {last['elbo']:.1f} nats; its parts end at a log-likelihood of "
                  f"{last['log_likelihood']:.1f} and a KL divergence of {last['kl']:.1f} nats.")
    if last.get("held_out_elbo") is not None:
        figure.alt += f" The held-out ELBO ends at {last['held_out_elbo']:.1f} nats."
    return figure


def _curve(axes, history, name, label, colour, style):
    rows = [row for row in history if row.get(name) is not None]
    if rows:
        axes.plot([row["epoch"] for row in rows], [row[name] for row in rows], style, label=label, color=colour,
                  markersize=4 if len(rows) <= 30 else 0)
