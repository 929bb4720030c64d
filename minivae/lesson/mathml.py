"""Formulas as MathML, which browsers draw without a network; and the symbols in them that a page can link.

latex2mathml turns LaTeX into MathML. It comes with ``pip install minivae[book]``. Without it a formula is shown as
plain text.
"""

import html
import xml.etree.ElementTree as ElementTree

__all__ = ["mathml", "linked"]

NAMESPACE = "http://www.w3.org/1998/Math/MathML"
GREEK = {"μ": "mu", "σ": "sigma", "ε": "eps", "ℓ": "log_likelihood"}


def mathml(latex, plain=None, *, block=True):
    """Return a formula as MathML, or its plain text as HTML where latex2mathml is not installed.

    Parameters
    ----------
    latex : str
    plain : str, optional
        What to show without latex2mathml, and to who listens; by default the LaTeX itself.
    block : bool, optional
        A line of its own, or within a line of text.
    """
    element = _element(latex, block)
    if element is None:
        return f"<code>{html.escape(plain or latex)}</code>"
    return ElementTree.tostring(element, encoding="unicode")


def linked(latex, plain, steps, values):
    """Return a formula whose symbols are marked as places to go to with the mouse; a list of links serves the keyboard.

    Parameters
    ----------
    latex, plain : str
    steps : dict of str to str
        For each identifier as it is written in the formula ("z", "μ", "dz"), the step that it leads to.
    values : dict of str to str
        For each step, what its symbol is just now, in words.
    """
    element = _element(latex, True)
    if element is None:
        return f"<code>{html.escape(plain)}</code>"
    _link(element, steps, values)
    return ElementTree.tostring(element, encoding="unicode")


def _element(latex, block):
    try:
        from latex2mathml.converter import convert
    except ImportError:
        return None
    ElementTree.register_namespace("", NAMESPACE)
    latex = latex.replace("{aligned}", "{split}")  # which it knows
    for bar in (r"\|", r"\Vert"):  # latex2mathml enlarges no such bar; a bar is as tall as it must be by itself
        for size in (r"\big", r"\Big", r"\bigl", r"\bigr"):
            latex = latex.replace(size + bar, r"\Vert ")
    return ElementTree.fromstring(convert(latex, display="block" if block else "inline"))


def _link(parent, steps, values):
    """Wrap each identifier that is a step, with the d before it where that makes the gradient, in a row of its own."""
    children, i = list(parent), 0
    while i < len(children):
        taken, name = 1, _identifier(children[i])
        if name == "d" and i + 1 < len(children):
            j = i + 1 + (children[i + 1].tag.endswith("mspace"))
            after = _identifier(children[j]) if j < len(children) else None
            if after and "d" + after in steps:
                taken, name = j - i + 1, "d" + after
        step = steps.get(name) if name else None
        if step is None:
            _link(children[i], steps, values)
        else:
            row = ElementTree.Element(f"{{{NAMESPACE}}}mrow", {
                "class": "here", "data-step": step, "data-value": f"{step} = {values[step]}"})
            place = list(parent).index(children[i])
            for child in children[i:i + taken]:
                parent.remove(child)
                row.append(child)
            parent.insert(place, row)
        i += taken


def _identifier(element):
    """The identifier that an element writes: one letter, or a word in upright letters; its index and power aside."""
    tag = element.tag.rpartition("}")[2]
    if tag in ("msub", "msup", "msubsup"):
        return _identifier(element[0]) if tag == "msub" else None
    text = "".join(element.itertext())
    if tag == "mi" or (tag == "mrow" and len(element) and all(child.tag.endswith("mi") for child in element)):
        return text
    return None
