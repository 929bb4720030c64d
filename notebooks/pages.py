"""Notebooks as HTML pages that need no network: their mathematics by a local MathJax, their figures with alt text.

A code cell with the tag ``answer`` is folded: the reader opens it after having tried.
"""

import pathlib
import re

from nbconvert import HTMLExporter

__all__ = ["mathjax_url", "page"]

TEMPLATE = """
{%- extends 'lab/index.html.j2' -%}
{%- block html_head_js_requirejs -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
{%- block html_head_css -%}
<style>
main {max-width: 62rem; margin: auto}
.jp-RenderedMarkdown .highlight pre {font-family: var(--jp-code-font-family); margin: 0 0 1em 0}
details.answer > summary {cursor: pointer; font-family: var(--jp-content-font-family); margin: 0.3em 0 0.3em 5.5em}
.jp-RenderedLatex {font-family: var(--jp-content-font-family); font-size: var(--jp-content-font-size1)}
</style>
{%- endblock -%}
{%- block codecell -%}
{%- if 'answer' in cell.metadata.get('tags', []) -%}
<details class="answer"><summary>Answer</summary>{{ super() }}</details>
{%- else -%}{{ super() }}{%- endif -%}
{%- endblock codecell -%}
{%- block data_png scoped -%}
{%- set about = output.metadata.get('image/png', {}) -%}
<div class="jp-RenderedImage jp-OutputArea-output {{ extra_class }}">
<img src="data:image/png;base64,{{ output.data['image/png'] | escape_html }}"
{% if about.width %}width="{{ about.width }}"{% endif %} alt="{{ about.get('alt', '') | escape_html_keep_quotes }}">
</div>
{%- endblock -%}
"""


def mathjax_url(given):
    """Where pages find MathJax: a URL as it is, a path as a file: URL with the configuration that pages need."""
    if given is None or "://" in given:
        return given
    path = pathlib.Path(given).resolve()
    path = path / "MathJax.js" if path.is_dir() else path
    if not path.is_file():
        raise FileNotFoundError(f"no MathJax.js at {given}. Pages want version 2: npm pack mathjax@2")
    return path.as_uri() + "?config=TeX-AMS_CHTML-full,Safe"


def page(nb, mathjax):
    """A notebook as an HTML page; links to other notebooks lead to their pages."""
    exporter = HTMLExporter(raw_template=TEMPLATE, **({"mathjax_url": mathjax} if mathjax else {}))
    title = next((line.lstrip("# ") for cell in nb.cells for line in cell.source.splitlines() if line.startswith("# ")),
                 "")
    html, _ = exporter.from_notebook_node(nb, resources={"metadata": {"name": title}})
    return re.sub(r'(href="(?:\./)?[\w-]+)\.ipynb', r"\1.html", html)
