"""Pieces of the book's pages: Markdown with formulas as MathML, and what HTML needs to be read by everybody."""

import html
import io
import re

from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from PIL import Image  # comes with matplotlib
from pygments.formatters import HtmlFormatter

from minivae.lesson.mathml import mathml

__all__ = ["Renderer", "colours_of_code", "fewer_colours", "formulas_in", "plain", "reachable"]


class Renderer(IPythonRenderer):
    """Markdown with formulas as MathML; notes the headings of a page, and gives equations with a number a place."""

    def __init__(self, up, derived, address):
        super().__init__(escape=False, exclude_anchor_links=True)
        self.up, self.derived, self.address, self.sections, self.placed = up, derived, address, [], set()

    def page(self, text):
        return MarkdownWithMath(renderer=self).render(text)

    def heading(self, text, level, **attributes):
        id = re.sub(r"[^\w.]+", "-", plain(text)).strip("-") or "section"
        while id in {row[0] for row in self.sections}:
            id += "-2"
        self.sections.append((id, text, level))
        return f'<h{level} id="{id}">{text}</h{level}>\n'

    def block_html(self, html):
        return formulas_in(html) + "\n"

    def inline_math(self, body):
        return mathml(body, block=False)

    def block_math(self, body):
        return self.formula(body)

    def latex_environment(self, name, body):
        return self.formula(rf"\begin{{{name}}}{body}\end{{{name}}}")

    def formula(self, latex):
        """A formula on a line of its own; one with a number links to its code, and can be linked to."""
        latex, number = re.sub(r"\\tag\{[^}]*\}", "", latex), next(iter(re.findall(r"\\tag\{([^}]*)\}", latex)), None)
        if number is None:
            return f'<div class="equation" tabindex="0" role="group" aria-label="Formula">{mathml(latex)}</div>\n'
        here = number not in self.placed and self.derived.get(number) == self.address
        self.placed.add(number)
        id = f' id="eq-{number}"' if here else ""
        link = f'<a class="number" href="{self.up}equations.html#eq-{number}" title="its code">({number})</a>'
        return (f'<div class="equation"{id} tabindex="0" role="group" aria-label="Equation {number}">'
                f"{mathml(latex)}{link}</div>\n")


def formulas_in(text):
    """HTML in which $...$ becomes MathML, and an empty cell heads no column."""
    text = re.sub(r"<th([^>]*)></th>", r"<td\1></td>", text)
    return re.sub(r"\$([^$<]+)\$", lambda formula: mathml(html.unescape(formula.group(1)), block=False), text)


def reachable(body):
    """What scrolls can be reached by key."""
    return re.sub(r"<(pre|table)(?![^>]*tabindex)", r'<\1 tabindex="0"', body)


def fewer_colours(png):
    """A picture in grey, if it has no colours, or in 256 of its own: it takes half of the space and looks the same."""
    file, picture = io.BytesIO(), Image.open(io.BytesIO(png)).convert("RGB")
    grey = picture.convert("L")
    small = grey if grey.convert("RGB").tobytes() == picture.tobytes() else picture.quantize(256)
    small.save(file, "png", optimize=True)
    return min(file.getvalue(), png, key=len)


def plain(text):
    return html.unescape(re.sub(r"<[^>]+>", "", text))


def colours_of_code():
    """Pygments' colours for light and for dark, those that can be told from the page's own background."""
    light, dark = (without_background(HtmlFormatter(style=style).get_style_defs(".highlight"))
                   for style in ("xcode", "lightbulb"))
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n"


def without_background(style):
    """Pygments' colours, on the page's own paper."""
    return "\n".join(line for line in style.splitlines() if not re.search(r"^(pre|td|span)|\.highlight \{", line))
