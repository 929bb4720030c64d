"""Formulas as MathML, which browsers draw without a network, with links on the symbols in them.

latex2mathml, which ``pip install minivae[book]`` installs, turns LaTeX into MathML. Without it a formula is shown as
plain text.
"""

import html
import xml.etree.ElementTree as ElementTree

__all__ = ["mathml", "linked"]

NAMESPACE = "http://www.w3.org/1998/Math/MathML"
FUNCTIONS = {"log", "exp", "sin", "cos", "tanh", "max", "min"}  # TeX puts a space around these
GREEK = {"μ": "mu", "σ": "sigma", "ε": "eps", "ℓ": "log_likelihood"}


def mathml(latex, plain=None, *, block=True):
    """Return a formula as MathML, or its plain text as HTML where latex2mathml is not installed.

    Parameters
    ----------
    latex : str
    plain : str, optional
        What to show without latex2mathml; by default the LaTeX itself.
    block : bool, optional
        Whether the formula has a line of its own, or is part of a line of text.
    """
    element = _element(latex, block)
    if element is None:
        return f"<code>{html.escape(plain or latex)}</code>"
    return ElementTree.tostring(element, encoding="unicode")


def linked(latex, plain, steps, values):
    """Return a formula whose symbols can be clicked. For the keyboard, the page has a list of links.

    Parameters
    ----------
    latex, plain : str
    steps : dict of str to str
        For each identifier as it is written in the formula ("z", "μ", "dz"), the step that it leads to.
    values : dict of str to str
        For each step, the value of its symbol as text.
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
    latex = latex.replace("{aligned}", "{split}")  # latex2mathml knows only this one
    for bar in (r"\|", r"\Vert"):  # latex2mathml does not know these sizes; browsers choose the height
        for size in (r"\big", r"\Big", r"\bigl", r"\bigr"):
            latex = latex.replace(size + bar, r"\Vert ")
    element = ElementTree.fromstring(convert(latex, display="block" if block else "inline"))
    _set_functions_apart(element)
    return element


def _set_functions_apart(parent):
    """Put a thin space around the names of functions, as TeX does: m log p, but log(p), and none beside an operator."""
    children = list(parent)
    for child in children:
        _set_functions_apart(child)
    if _tag(parent) not in ("math", "mrow", "mstyle", "mtd"):  # in other elements the position of a child has a meaning
        return
    parent[:] = children[:1]
    for before, child in zip(children, children[1:]):
        after_name = _is_function(before) and _takes_space(child, "∫∑∏")
        before_name = _is_function(child) and _takes_space(before, ")]}")
        if after_name or before_name:
            parent.append(ElementTree.Element(f"{{{NAMESPACE}}}mspace", {"width": "0.167em"}))
        parent.append(child)


def _is_function(element):
    """Return whether an element is the name of a function, perhaps with an index or a power."""
    return _is_function(element[0]) if _tag(element) in ("msub", "msup", "msubsup") else element.text in FUNCTIONS


def _takes_space(element, operators):
    """Return whether a space belongs between a function's name and this neighbour: none beside most operators."""
    return _tag(element) not in ("mspace", "mo") or (_tag(element) == "mo" and element.text in tuple(operators))


def _tag(element):
    return element.tag.rpartition("}")[2]


def _link(parent, steps, values):
    """Mark each identifier that is the name of a step; with a d before it, mark both as the gradient."""
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
    """Return the identifier in an element, a letter or a word in upright letters, without index and power; or None."""
    tag = _tag(element)
    if tag in ("msub", "msup", "msubsup"):
        return _identifier(element[0]) if tag == "msub" else None
    text = "".join(element.itertext())
    if tag == "mi" or (tag == "mrow" and len(element) and all(child.tag.endswith("mi") for child in element)):
        return text
    return None
