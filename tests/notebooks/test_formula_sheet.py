"""The formula sheet says what the registry, the model and the README say, and the committed one is what the code makes.
"""

import html
import pathlib
import re

import nbformat

import minivae as mv
from minivae.derivation import equation
from minivae.lesson.formula_sheet import NOTATION, SHEET

ROOT = pathlib.Path(mv.__file__).parents[1]
PAGE = mv.formula_sheet()._repr_html_()
ROWS = [row for rows in SHEET.values() for row in rows]
MOST_ROWS = 35  # thirty-four print on one page of A4, with room for two or three more


def defined_under(heading):
    """The symbols that the equations under a heading define, in their order."""
    return [symbol for number, _ in SHEET[heading] for symbol in (equation(number).symbol or "").split()]


def test_every_equation_on_the_page_is_the_registrys_with_its_number_and_its_words():
    shown = re.findall(r'<tr><td style="width: 4%">([\d.]+)</td><td class="code".*?>(.*?)</td>'
                       r'<td.*?>\$(.*?)\$</td><td>(.*?)</td>', PAGE)
    assert [(number, html.unescape(words)) for number, _, _, words in shown] == ROWS
    for number, symbol, latex, _ in shown:
        assert html.unescape(latex) == equation(number).latex
        assert symbol.split(", ") == (equation(number).symbol or "").split(" ")
    assert len({number for number, _ in ROWS}) == len(ROWS) <= MOST_ROWS


def test_the_chain_is_whole_and_in_order_there_and_back():
    model, x, eps = mv.toy()
    symbols = list(dict.fromkeys(symbol.rpartition(".")[2] for symbol in model.forward(x, eps)))
    there = defined_under("Forward, from data to loss")
    assert set(there) == set(symbols) - {"x"}
    inputs = ["h", "mu", "log_var", "sigma", "eps", "z", "logits"]  # h stands for the layers of both networks
    assert there[:7] == inputs and there[7:] == [symbol for symbol in symbols if symbol not in ("x", *inputs)]
    back = {f"d.{symbol}" for symbol in symbols} - {"d.x", "d.eps", "d.elbo", "d.loss"} | {"d.W", "d.b"}
    assert set(defined_under("Backward, from loss to weights")) == back


def test_both_notations_are_the_readmes():
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").replace("`", "").replace("\\|", "|").split())
    for row in NOTATION:
        assert " ".join(f"| {' | '.join(row[1:])} |".split()) in readme
        assert all(html.escape(text) in PAGE for text in row)


def test_the_committed_page_is_the_current_one():
    nb = nbformat.read(ROOT / "notebooks" / "formula_sheet.ipynb", as_version=4)
    output, = nb.cells[-1].outputs
    assert output.data["text/html"] == PAGE and output.data["text/plain"] == repr(mv.formula_sheet())


def test_in_a_terminal_it_is_text():
    text = repr(mv.formula_sheet())
    assert all(f"{number}  {equation(number).plain}" in text and words in text for number, words in ROWS)
