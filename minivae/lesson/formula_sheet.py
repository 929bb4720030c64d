"""The formula sheet: the chain forward and backward on one page, both notations, and how to read each line aloud.

The equations come from the registry, by number, so the sheet cannot differ from it. Only the order and the words are
written here. The sheet fits on one page of A4; notebooks/formula_sheet.ipynb shows it.
"""

import html

from ..derivation import equation

__all__ = ["SHEET", "NOTATION", "SIGNS", "FormulaSheet", "formula_sheet"]

SHEET = {  # heading: for each equation its number, and how it is read aloud
    "What we want": (
        ("1.3", "p of x is the integral of p of x given z, times p of z"),
        ("2.7", "Jensen: the log of a mean is at least the mean of the logs"),
        ("2.6", "the ELBO: expected log-likelihood under q, minus the KL of q from the prior"),
        ("2.8", "log p of x minus the ELBO is the KL of q from the true posterior"),
    ),
    "Forward, from data to loss": (
        ("5.7", "h is f of x W plus b; f is tanh or relu; one for each hidden layer"),
        ("3.1", "q is normal with mean mu and variance sigma squared, both from the encoder"),
        ("3.2", "log var is the logarithm of sigma squared"),
        ("3.3", "sigma is e to the half log var"),
        ("4.4", "epsilon is drawn from the standard normal, and held fixed"),
        ("4.5", "z is mu plus sigma times epsilon, number by number"),
        ("5.12", "a, the logits, is the decoder of z"),
        ("5.16", "sum over pixels: x times a, minus the log of one plus e to the a"),
        ("3.7", "half the sum over latents: mu squared, plus sigma squared, minus one, minus log var"),
        ("2.9", "the ELBO, estimated by one draw: log-likelihood minus KL"),
        ("2.10", "log-likelihood minus beta times KL: training raises it"),
        ("2.11", "minus the mean objective of the batch: training lowers it"),
    ),
    "Backward, from loss to weights": (
        ("7.4", "d objective is minus one over B, times d loss; no other factor one over B occurs"),
        ("7.1", "d l, for the log-likelihood, is d objective; d KL is minus beta times it"),
        ("5.13", "the logistic of a: from logits to probabilities"),
        ("5.18", "d logits: observed minus expected, times d l"),
        ("5.4", "d x is d y times W transposed: what reaches the layer below"),
        ("5.5", "d W is x transposed times d y: summed over the batch"),
        ("5.6", "d b is the sum of d y over the batch"),
        ("5.10", "through tanh: d y times one minus y squared, from the output"),
        ("5.11", "through relu: d y where y is positive, zero elsewhere"),
        ("4.8", "d mu is d z; d sigma is d z times epsilon"),
        ("7.2", "two paths meet in mu: through z, and through the KL"),
        ("7.3", "two paths meet in log var: through z and sigma, and through the KL"),
    ),
    "Training, and how good it is": (
        ("8.5", "running means of the gradient and of its square"),
        ("8.8", "Adam's step: the first mean over the root of the second, both corrected"),
        ("10.1", "log w: log-likelihood, plus log prior, minus log q"),
        ("10.2", "log p of x is about the log of the mean weight, which is too low on average"),
        ("11.9", "the encoder's gradient of the importance-weighted bound: squared shares times paths"),
        ("11.12", "an annealed chain's log w: each rise of t, times log-likelihood where the chain stands"),
    ),
}

NOTATION = (  # what, in the code, the lecture, Kingma & Welling (2013)
    ("data, one example", "x", "x", "x"),
    ("latent code", "z", "z", "z"),
    ("parameters of p(x|z), generative", "decoder", "φ", "θ"),
    ("parameters of q(z|x), variational", "encoder", "θ", "φ"),
    ("approximate posterior", "mu, log_var, sigma", "q(z|θ)", "q_φ(z|x)"),
    ("likelihood", "log_likelihood", "log p(x|z; φ)", "log p_θ(x|z)"),
    ("evidence", "log_px, an estimate", "log p(x|φ)", "log p_θ(x)"),
    ("evidence lower bound", "elbo", "E[log p(x|z; φ)] − D_KL[q ‖ p]", "𝓛(θ, φ; x)"),
    ("noise", "eps", "", "ε"),
)

SIGNS = (  # a sign and its name
    ("μ, σ, ε", "mu (“mew”), sigma, epsilon"), ("φ, θ, β, η", "phi (“fie”), theta, beta, eta (“ee-ta”)"),
    ("p(x | z)", "p of x given z"), ("z ~ q", "z is drawn from q"), ("KL(q ‖ p)", "the KL divergence of q from p"),
    ("E_q[…]", "the expectation of … under q"), ("a ⊙ b", "a times b, number by number"),
    ("dz; dℓ", "“dee z”: ∂loss/∂z; the same for log p(x|z)"), ("Wᵀ", "W transposed"),
    ("[y > 0]", "1 where y > 0, else 0"),
    ("x̄; w̄", "x bar, w bar: a mean"), ("B, D, H, K, S", "batch, data (pixels), hidden, latent, samples"),
)

STYLE = """
.sheet {font: 11px/1.3 sans-serif; color: #000}
.sheet h2 {font-size: 1.05em; margin: 0.45em 0 0 0; color: #0072B2}
.sheet table {border-collapse: collapse; width: 100%; margin: 0; font-size: 1em; table-layout: fixed}
.sheet tr {background: none !important}
.sheet td {padding: 0.15em 0.5em 0.15em 0; text-align: left !important; vertical-align: middle; border-top: 1px solid
#ddd !important;
  white-space: normal}
.sheet .code {font-family: monospace; font-size: 0.9em}
.sheet .pair {display: flex; gap: 1.5em}
@page {size: A4; margin: 8mm 10mm}
@media print {
  .jp-InputArea, .jp-InputPrompt, .jp-OutputPrompt, .jp-MarkdownCell, .jp-Cell-inputWrapper {display: none !important}
  html, body, main, .jp-Cell, .jp-Cell-outputWrapper, .jp-OutputArea, .jp-OutputArea-child, .jp-OutputArea-output {
    display: block !important; position: static !important; height: auto !important; overflow: visible !important;
    margin: 0 !important; padding: 0 !important; max-width: none !important; break-inside: auto !important}
  .sheet {font-size: 7.5pt; line-height: 1.1}
  .sheet td {padding: 0.05em 0.5em 0.05em 0}
}
"""


class FormulaSheet:
    """The sheet: shown as a page in a notebook, and as text in a terminal."""

    def __repr__(self):
        lines = []
        for heading, rows in SHEET.items():
            lines += ["", heading]
            lines += [f"{number:>5}  {equation(number).plain}\n       {aloud}" for number, aloud in rows]
        return "\n".join(lines).strip()

    def _repr_html_(self):  # what a notebook shows
        parts = [f"<style>{STYLE}</style>", '<div class="sheet">', "<b>minivae: the chain on one page.</b> Nats; "
                 "summed over pixels and latents, averaged over the batch. p is the decoder's, q the encoder's."]
        for heading, rows in SHEET.items():
            parts += [f"<h2>{heading}</h2>", table(sheet_row(*row) for row in rows)]
        notation = table(map(cells, (("", "code", "lecture", "Kingma & Welling"), *NOTATION)))
        signs = table(map(cells, (("sign", "read"), *SIGNS)))
        parts += ['<div class="pair"><div style="flex: 3"><h2>Both notations</h2>', notation,
                  '</div><div style="flex: 2"><h2>Signs, aloud</h2>', signs, "</div></div></div>"]
        return "\n".join(parts)


def formula_sheet():
    """Return the formula sheet: make it the last line of a cell, or print it.

    Returns
    -------
    sheet : FormulaSheet
    """
    return FormulaSheet()


def sheet_row(number, aloud):
    """Return the cells of one equation: its number, its symbol in the code, the formula, and the words."""
    entry = equation(number)
    symbol = (entry.symbol or "").replace(" ", ", ")
    return (f'<td style="width: 4%">{number}</td><td class="code" style="width: 14%">{html.escape(symbol)}</td>'
            f'<td style="width: 45%">${html.escape(entry.latex)}$</td><td>{html.escape(aloud)}</td>')


def cells(texts):
    return "".join(f"<td>{html.escape(text)}</td>" for text in texts)


def table(rows):
    return "<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"
