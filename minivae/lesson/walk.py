"""The walk: one pass, forward and back, as an HTML page to step through, with equation, code and numbers side by side.

The page is one file that needs no network. All its text is written here, from the steps of a real pass; the script in
walk.html shows one step at a time and computes nothing. The graph above the panes is the model's own ``chain``.
"""

import base64
import html
import math
import pathlib
import re
import string

import numpy as np

from ..derivation.source import source_lines
from ..files import whole_file
from .mathml import linked

__all__ = ["page", "save_page"]

TEMPLATE = pathlib.Path(__file__).with_name("walk.html")
WHOLE = 60            # the most numbers of an array that is shown whole
HEAT = (10, 28)       # rows and columns of a larger array that are drawn
LARGEST = 5           # how many of its largest entries are listed
AROUND = 4            # lines of code shown before and after those of the step
COLUMN, ROW, BOX = 118, 44, (104, 28)  # of the graph, in pixels
TOP = {"kl": 0, "log_q": 0, "log_prior": 1, "log_var": 1, "sigma": 1, "label": 3, "eps": 3, "elbo": 3}  # rows; else 2
WRITTEN = {"μ": "mu", "σ": "sigma", "ε": "eps", "z": "z", "ℓ": "log_likelihood", "KL": "kl", "objective": "objective",
           "loss": "loss", "x": "x"}   # how the equations write the symbols of the chain


def save_page(steps, path):
    """Write the walk of some steps to ``path``, whole or not at all."""
    with whole_file(path) as file:
        file.write(page(steps).encode("utf-8"))


def page(steps):
    """Return the walk of one pass as one HTML page.

    Parameters
    ----------
    steps : Steps
        All steps of a pass, as ``step_through`` returns them.

    Returns
    -------
    page : str
    """
    names = [step.name for step in steps]
    values = {step.name: _in_words(step) for step in steps}
    lines = {(source.function, number): step.name for step in reversed(steps) for source in step.sources[:1]
             for number in source.numbers}
    model, shape = a_or_an(type(steps.model).__name__), np.shape(steps.d.forward.x)
    return string.Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=f"One pass of {model}, step by step",
        about=(f"A batch of {shape[0]} examples of {shape[1]} pixels goes forward from x to the loss. Then the "
               "gradient of the loss goes back to every weight. Each step shows its equation, its code and its "
               "numbers."),
        graph=_graph(steps), count=len(names),
        list="\n".join(f'<li><a href="#{name}">{name}</a></li>' for name in names),
        sections="\n".join(_section(i, step, steps, values, lines) for i, step in enumerate(steps)),
        footer="All numbers are those of one pass of the model in minivae; nothing is computed on this page.")


def a_or_an(name):
    """Return the name of a class with its article: "a VAE", "an IWAE"."""
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"


def _section(i, step, steps, values, lines):
    symbol = step.name.removeprefix("d.")
    what = f"∂loss/∂{symbol}" if step.name != symbol else symbol
    return f"""<section class="step" id="{step.name}" aria-labelledby="title-{i}">
<h2 id="title-{i}"><code>{step.name}</code> <span class="dim">step {i + 1} of {len(steps)}, \
{"forward" if step.name == symbol else "backward"}</span></h2>
<p>{html.escape(what)}: {html.escape(step.meaning)}</p>
<div class="panes">
<article class="pane" aria-label="Equation"><h3>Equation</h3>
{_equations(step, steps, values)}
</article>
<article class="pane" aria-label="Code"><h3>Code</h3>
{"".join(_code(source, place == 0, step, lines) for place, source in enumerate(step.sources))}
</article>
<article class="pane" aria-label="Numbers"><h3>Numbers</h3>
<div class="cover-note"><p>What will the numbers be: their shape, their signs, the largest? Decide, then look.</p>
<button type="button" class="uncover">Show the numbers</button></div>
<div class="cover-me">
{_numbers(step, steps)}
</div>
</article>
</div>
</section>"""


# --- the equation ---------------------------------------------------------------------------------------------

def _equations(step, steps, values):
    """Return the equations of a step and, beneath them, the values from which it is made."""
    shown = []
    for entry in step.equations:
        places = {written: name for written, name in _written(entry, step, steps).items() if name in values}
        shown.append(f'<p><strong>{entry.number}</strong> <span class="dim">{html.escape(entry.meaning)}</span></p>'
                     f'<div class="formula" tabindex="0" role="group" aria-label="Equation {entry.number}">'
                     f"{linked(entry.latex, entry.plain, places, values)}</div>")
    symbol = step.name.removeprefix("d.")
    near = (["d." + user for user, made in steps.chain.items() if symbol in made] if step.name != symbol else
            [made if made in steps.chain else "d." + made for made in steps.chain[symbol]])
    used = dict.fromkeys([*near, *re.findall('data-step="([^"]+)"', "".join(shown))])
    rows = "".join(f'<dt><a href="#{name}"><code>{name}</code></a></dt>'
                   f'<dd class="number">{html.escape(values[name])}</dd>'
                   for name in used if name in values and name != step.name)
    made = f'<p class="dim">Made from</p><dl class="symbols">{rows}</dl>' if rows else ""
    return "\n".join(shown or [f"<p>{html.escape(step.meaning)}</p>"]) + made


def _written(entry, step, steps):
    """Return the step that each identifier in an equation stands for; with a "d" before it, that of the gradient.

    The equations of a layer have x, W, b, h and y for any layer; here they stand for those of the step's own layer.
    """
    chain, symbol = steps.chain, step.name.removeprefix("d.")
    kernel = (entry.computed_by or "").partition(":")[2]
    names = dict(WRITTEN, a=steps.model.likelihood.symbol)
    if kernel.startswith(("dense", "MLP", "relu", "tanh")):
        made_by_a_layer = symbol in chain and len(chain[symbol]) >= 3
        user = symbol if made_by_a_layer else next(user for user, made in chain.items() if symbol in made)
        W, b = chain[user][-2:]
        names = {"x": chain[user][0], "h": user, "W": "d." + W, "b": "d." + b, "y": user}
        names |= {"d" + name: "d." + names[name].removeprefix("d.") for name in names}
        if kernel.startswith(("relu", "tanh")) and kernel.endswith("_backward"):  # da = dy f'(y): y, the output
            names = {"y": user, "dy": "d." + user}
        return names
    return names | {"d" + written: "d." + name for written, name in names.items()}


# --- the code -------------------------------------------------------------------------------------------------

def _code(source, first, step, lines):
    """Return lines of code; in the chain itself with the lines around them, dimmed and linked to their steps."""
    name, place = html.escape(source.name), html.escape(f"{source.file}:{source.line}")
    title = f'<p><code>{name}</code> <span class="dim">{place}</span></p>'
    if not first:
        rows = "".join(f'<span class="row plain">{html.escape(line) or " "}</span>'
                       for line in source.code.splitlines())
        return f'{title}<pre tabindex="0" aria-label="{name}">{rows}</pre>{_as_it_runs(source.tuned)}'
    whole = source_lines(source.function)
    near = [number for number in whole if any(abs(number - own) <= AROUND for own in source.numbers)]
    indent = min((len(whole[n]) - len(whole[n].lstrip()) for n in near if whole[n].strip()), default=0)
    rows = []
    for number in near:
        text, there = html.escape(whole[number][indent:]) or " ", lines.get((source.function, number))
        lit = " lit" if number in source.numbers else ""
        rows.append(f'<a class="row{lit}" href="#{there}">{text}</a>' if there and not lit
                    else f'<span class="row{lit}">{text}</span>')
    return f'{title}<pre tabindex="0" aria-label="{name}">{"".join(rows)}</pre>'


def _as_it_runs(tuned):
    """Return the lines of a kernel that really run, folded below its plain form."""
    if tuned is None:
        return ""
    rows = "".join(f'<span class="row plain">{html.escape(line) or " "}</span>' for line in tuned.code.splitlines())
    return (f'<details><summary class="dim">as it runs, {html.escape(f"{tuned.file}:{tuned.line}")}</summary>'
            f'<pre tabindex="0" aria-label="{html.escape(tuned.name)}, as it runs">{rows}</pre></details>')


# --- the numbers ----------------------------------------------------------------------------------------------

def _numbers(step, steps):
    """Return the value and the gradient side by side; where paths meet, first the gradient along each path."""
    symbol = step.name.removeprefix("d.")
    value, gradient = steps.value(symbol), steps.gradient(symbol)
    parts = ""
    if step.parts:
        shown = [_array(name, part) for name, part in step.parts.items()] + [_array(step.name, step.value)]
        signs = ["+"] * (len(step.parts) - 1) + ["="]
        pieces = shown[0] + "".join(f'<div class="sum" aria-hidden="true">{sign}</div>{array}'
                                    for sign, array in zip(signs, shown[1:]))
        parts = (f'<p>{len(step.parts)} paths meet here; their gradients add:</p>'
                 f'<div class="pair parts" tabindex="0" role="group" aria-label="Paths">{pieces}</div><hr>')
    arrays = [_array(symbol, value)]
    arrays.append(_array(f"∂loss/∂{symbol}", gradient) if gradient is not None else
                  f'<div class="array"><h4>∂loss/∂{symbol}</h4><p class="dim">none: it is data or noise</p></div>')
    return f'{parts}<div class="pair">{"".join(arrays)}</div>'


def _array(name, array):
    array = np.asarray(array)
    shape = " × ".join(map(str, array.shape)) or "one number"
    head = f'<div class="array"><h4><code>{html.escape(name)}</code> <span class="dim">{shape}</span></h4>'
    if array.size <= WHOLE:
        rows = array.reshape(-1, 1) if array.ndim < 2 else array
        body = "".join("<tr>" + "".join(f"<td>{_number(entry)}</td>" for entry in row) + "</tr>" for row in rows)
        return (f'{head}<div class="scroll number" tabindex="0" role="group" aria-label="{html.escape(name)}">'
                f"<table>{body}</table></div></div>")
    largest = np.argsort(-np.abs(array), axis=None, kind="stable")[:LARGEST]
    places = (np.unravel_index(place, array.shape) for place in largest)
    entries = "".join(f"<tr><th scope=\"row\">[{', '.join(map(str, place))}]</th><td>{_number(array[place])}</td></tr>"
                      for place in places)
    return (f'{head}<p class="number">from {_number(array.min())} to {_number(array.max())}</p>{_heat(name, array)}'
            f'<p class="dim">largest entries</p><table class="number">{entries}</table></div>')


def _heat(name, array):
    """Return the first rows as a picture: blue below zero, red above, white at zero."""
    from ..plots.mosaic import heat_map_png

    rows = np.atleast_2d(array)[:HEAT[0], :HEAT[1]]
    png = base64.b64encode(heat_map_png(rows, np.abs(array).max())).decode()
    alt = f"{name}: the first {rows.shape[0]} rows and {rows.shape[1]} columns, blue below zero, red above"
    return f'<img class="heat" alt="{html.escape(alt)}" src="data:image/png;base64,{png}">'


def _number(number):
    return f"{number:.4g}".replace("-", "−")


def _in_words(step):
    """Return the value of a step in a line or two."""
    value = np.asarray(step.value)
    if value.size <= 6:
        return np.array2string(value, precision=4).replace("\n", "").replace("-", "−")
    return f"{' × '.join(map(str, value.shape))}, from {_number(value.min())} to {_number(value.max())}"


# --- the graph ------------------------------------------------------------------------------------------------

def _graph(steps):
    """Return the chain as a drawing: symbols from left to right in forward order, weights below what they enter."""
    chain, place = steps.chain, {}
    for symbol, made in chain.items():
        place[symbol] = (1 + max((place[name][0] for name in made if name in place), default=-1), TOP.get(symbol, 2))
    for symbol in ("eps", "label"):  # they are drawn beside what they enter
        users = [place[user][0] for user, made in chain.items() if symbol in made]
        if symbol in place:
            place[symbol] = (max(0, min(users) - 1), TOP[symbol])
    for symbol, made in chain.items():
        for row, weight in enumerate(name for name in made if name not in chain):
            place.setdefault(weight, (place[symbol][0], 4 + row))
    width, height = (1 + max(c for c, _ in place.values())) * COLUMN, (1 + max(r for _, r in place.values())) * ROW
    middle = {name: (column * COLUMN + COLUMN / 2, row * ROW + ROW / 2) for name, (column, row) in place.items()}
    edges = [_edge(middle[name], middle[symbol]) for symbol, made in chain.items() for name in made
             if name in chain or place[name][1] == 4]
    nodes = [_node(name, middle[name], name in chain) for name in place]
    return (f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="group" '
            f'aria-label="Graph of the chain, {len(chain)} symbols"><defs><marker id="tip-of-arrow" viewBox="0 0 8 8" '
            'refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>'
            + "".join(edges) + "".join(nodes) + "</svg>")


def _edge(start, end):
    (x, y), (to_x, to_y) = start, end
    if x == to_x:  # a weight, below what it enters
        line = f"M{x} {y - BOX[1] / 2}V{to_y + BOX[1] / 2}"
    else:
        x, to_x = x + BOX[0] / 2, to_x - BOX[0] / 2
        bend = math.copysign(min(abs(to_x - x) / 2, 60), to_x - x)
        line = f"M{x} {y}C{x + bend} {y} {to_x - bend} {to_y} {to_x} {to_y}"
    return f'<path class="edge" marker-end="url(#tip-of-arrow)" d="{line}"/>'


def _node(name, middle, symbol):
    (x, y), (width, height) = middle, BOX
    kind = "" if symbol else ' class="weight"'  # a weight has no step in the forward pass
    return (f'<a href="#{name if symbol else "d." + name}" data-symbol="{name}"{kind}>'
            f'<rect x="{x - width / 2}" y="{y - height / 2}" width="{width}" height="{height}" rx="5"/>'
            f'<text x="{x}" y="{y + 4.5}" text-anchor="middle">{name}</text></a>')
