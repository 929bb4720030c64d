"""Formulas as MathML, which browsers draw without a network; and the symbols in them that a page can link.

latex2mathml turns LaTeX into MathML. It comes with ``pip install minivae[book]``. Without it a formula is shown as
plain text.
"""

import html
import xml.etree.ElementTree as ElementTree

__all__ = ["mathml", "linked"]

NAMESPACE = "http://www.w3.org/1998/Math/MathML"
FUNCTIONS = {"log", "exp", "sin", "cos", "tanh", "max", "min"}  # which TeX sets apart from what they are applied to
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
    element = ElementTree.fromstring(convert(latex, display="block" if block else "inline"))
    _set_functions_apart(element)
    return element


def _set_functions_apart(parent):
    """Put TeX's thin space around the name of a function: m log p, not mlogp; but log(p), and nothing beside a sign."""
    children = list(parent)
    for child in children:
        _set_functions_apart(child)
    if _tag(parent) not in ("math", "mrow", "mstyle", "mtd"):  # elsewhere a part counts by its place
        return
    parent[:] = children[:1]
    for before, child in zip(children, children[1:]):
        after_name = _is_function(before) and _takes_space(child, "∫∑∏")
        before_name = _is_function(child) and _takes_space(before, ")]}")
        if after_name or before_name:
            parent.append(ElementTree.Element(f"{{{NAMESPACE}}}mspace", {"width": "0.167em"}))
        parent.append(child)


def _is_function(element):
    """Whether it is the name of a function, perhaps with an index or a power."""
    return _is_function(element[0]) if _tag(element) in ("msub", "msup", "msubsup") else element.text in FUNCTIONS


def _takes_space(element, operators):
    """Whether a function's name stands apart from this neighbour: any but a space or an operator that is not listed."""
    return _tag(element) not in ("mspace", "mo") or (_tag(element) == "mo" and element.text in tuple(operators))


def _tag(element):
    return element.tag.rpartition("}")[2]


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
    tag = _tag(element)
    if tag in ("msub", "msup", "msubsup"):
        return _identifier(element[0]) if tag == "msub" else None
    text = "".join(element.itertext())
    if tag == "mi" or (tag == "mrow" and len(element) and all(child.tag.endswith("mi") for child in element)):
        return text
    return None
