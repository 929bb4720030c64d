"""The sketch of a VAE: its parts from left to right, with the part marked at which the reader is."""

from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Polygon

from .style import BLUE, GREY, ORANGE, WIDTH

__all__ = ["schematic", "PLACES"]

PLACES = {  # name: centre and size in inches, the text in the box, the words for the description
    "x": ((0.5, 1.75), (0.8, 0.8), "$x$\nimage", "the image x"),
    "encoder": ((1.75, 1.75), (1.0, 1.5), "encoder", "the encoder"),
    "mu": ((3.05, 2.15), (0.6, 0.5), r"$\mu$", "mu"),
    "sigma": ((3.05, 1.35), (0.6, 0.5), r"$\sigma$", "sigma"),
    "eps": ((4.4, 2.75), (1.3, 0.45), r"$\varepsilon \sim N(0, I)$", "the noise eps"),
    "z": ((4.4, 1.75), (1.3, 0.6), r"$z = \mu + \sigma\,\varepsilon$", "the latent z = mu + sigma eps"),
    "decoder": ((6.1, 1.75), (1.0, 1.5), "decoder", "the decoder"),
    "x_hat": ((7.45, 1.75), (0.8, 0.8), "$\\hat{x}$\nimage", "the decoded image x-hat"),
    "kl": ((3.05, 0.4), (1.9, 0.45), r"KL$(q(z|x)\,\|\,p(z))$", "the KL divergence"),
    "log_likelihood": ((7.0, 0.4), (1.5, 0.45), r"$\log\,p(x|z)$", "the log-likelihood"),
    "elbo": ((5.2, 0.4), (1.1, 0.45), "ELBO", "the ELBO"),
}
ARROWS = (("x", "encoder"), ("encoder", "mu"), ("encoder", "sigma"), ("mu", "z"), ("sigma", "z"), ("eps", "z"),
          ("z", "decoder"), ("decoder", "x_hat"), ("x_hat", "log_likelihood"), ("kl", "elbo"),
          ("log_likelihood", "elbo"))
Q = (2.6, 0.98), (0.9, 1.54)      # lower left corner and size of the frame around mu and sigma
UNDER = 0.0                       # vertical position of the line from x to the log-likelihood
STYLE = {"arrowstyle": "-|>", "color": GREY, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 1}
NARROW = {"encoder": "right", "decoder": "left"}  # the side on which a network is narrow


def schematic(here=()):
    """Draw a VAE: x, encoder, mu and sigma, z = mu + sigma eps, decoder, and the decoded image.

    Parameters
    ----------
    here : str or sequence of str, optional
        Parts to mark with "you are here": "x", "encoder", "mu", "sigma", "eps", "z", "decoder", "x_hat", "kl",
        "log_likelihood" or "elbo". The words are above the first of them.

    Returns
    -------
    figure : Figure

    Raises
    ------
    ValueError
        If there is no such part.
    """
    here = (here,) if isinstance(here, str) else tuple(here)
    unknown = [name for name in here if name not in PLACES]
    if unknown:
        raise ValueError(f"here must name parts of the sketch, {', '.join(PLACES)}; got {unknown[0]!r}.")
    figure = Figure(figsize=(WIDTH, 3.4))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(-0.15, 3.25))
    axes.axis("off")
    _frame_of_q(axes)
    for start, end in ARROWS:
        _arrow(axes, PLACES[start], PLACES[end])
    for name, ((x, y), size, text, _) in PLACES.items():
        marked = name in here
        axes.add_patch(Polygon(_outline(name), facecolor="#FCE5C0" if marked else "white", joinstyle="round",
                               edgecolor=ORANGE if marked else BLUE, linewidth=2.5 if marked else 1.2))
        axes.text(x, y, text, ha="center", va="center", fontsize=11)
    if here:
        (x, y), (_, height), _, _ = PLACES["mu" if here[0] == "sigma" else here[0]]
        y += 0.12 if here[0] in ("mu", "sigma") else 0  # above the frame
        x = min(max(x, 0.6), WIDTH - 0.6)  # within the picture
        axes.text(x, y + height / 2 + 0.06, "you are here", ha="center", va="bottom", fontsize=10, fontweight="bold",
                  bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})
    figure.alt = ("A sketch of a VAE, from left to right: the image x enters the encoder, which gives mu and sigma; "
                  "with noise eps they make the latent z = mu + sigma eps; the decoder turns z into an image. Below: "
                  "mu and sigma give the KL divergence, the two images the log-likelihood, and these two the ELBO.")
    if here:
        figure.alt += f" Marked, you are here: {', '.join(PLACES[name][3] for name in here)}."
    return figure


def _frame_of_q(axes):
    """Draw the frame of q(z|x) around mu and sigma, and the lines to the KL and from x to the log-likelihood."""
    (left, bottom), (width, height) = Q
    axes.add_patch(FancyBboxPatch((left, bottom), width, height, boxstyle="round,pad=0,rounding_size=0.08",
                                  facecolor="none", edgecolor=GREY, linestyle="--"))
    axes.text(left + width / 2, bottom + height / 2, "$q(z|x)$", ha="center", va="center", fontsize=9, color=GREY)
    (x, y), (_, x_height), _, _ = PLACES["x"]
    (end, top), (_, end_height), _, _ = PLACES["log_likelihood"]
    axes.plot([x, x, end], [y - x_height / 2, UNDER, UNDER], color=GREY, linewidth=1.2)
    kl, (_, kl_height), _, _ = PLACES["kl"]
    for tail, tip in (((end, UNDER), (end, top - end_height / 2)),
                      ((kl[0], bottom), (kl[0], kl[1] + kl_height / 2))):
        axes.annotate("", xy=tip, xytext=tail, arrowprops=STYLE)


def _outline(name):
    """Return the corners of a box; those of a network are narrower on the side of the latents."""
    (x, y), (width, height), _, _ = PLACES[name]
    left, right = (height / (2 if NARROW.get(name) == side else 1) / 2 for side in ("left", "right"))
    start, end = x - width / 2, x + width / 2
    return [(start, y - left), (end, y - right), (end, y + right), (start, y + left)]


def _arrow(axes, start, end):
    """Draw an arrow from box to box: sideways if they are side by side, up or down if one is above the other."""
    ((x, y), (width, height), *_), ((to_x, to_y), (to_width, to_height), *_) = start, end
    if abs(to_x - x) > (width + to_width) / 2:
        side = 1 if to_x > x else -1
        slide = 0.35 * (to_y - y) if max(height, to_height) > 1 else 0  # near the height of the other box
        ends = (x + side * width / 2, y + (slide if height > 1 else 0)), (to_x - side * to_width / 2, to_y)
    else:
        down = 1 if to_y > y else -1
        ends = (x, y + down * height / 2), (x if abs(to_x - x) < to_width / 2 else to_x, to_y - down * to_height / 2)
    axes.annotate("", xy=ends[1], xytext=ends[0], arrowprops=STYLE)
