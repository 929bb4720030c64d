"""The book: every link leads somewhere, every equation to its code and back, and no page needs a network.

Two notebooks by default; all of them, and a browser on more pages, under ``--hypothesis-profile thorough``.
"""

import html.parser
import importlib.util
import os
import pathlib
import re

import pytest
from browser import open_browser

from minivae.derivation import EQUATIONS, locate

pytest.importorskip("latex2mathml", reason="the book's formulas are MathML")
ROOT = pathlib.Path(__file__).parents[2]
FOLDER = ROOT / "notebooks"
AXE = os.environ.get("AXE_CORE")
spec = importlib.util.spec_from_file_location("build", FOLDER / "build.py")
build = importlib.util.module_from_spec(spec)
spec.loader.exec_module(build)  # which makes book.py importable


class Page(html.parser.HTMLParser):
    """The ids, links, other addresses and images of a page."""

    def __init__(self, path):
        super().__init__()
        self.text = path.read_text(encoding="utf-8")
        self.ids, self.links, self.resources, self.images, self.formulas = [], [], [], [], 0
        self.feed(self.text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.links += [attributes["href"]] if tag == "a" and "href" in attributes else []
        self.resources += [attributes["href"]] if tag == "link" else []
        self.resources += [attributes["src"]] if "src" in attributes else []
        self.images += [attributes] if tag == "img" else []
        self.formulas += tag == "math"


@pytest.fixture(scope="module")
def thorough(request):
    return request.config.getoption("--hypothesis-profile") == "thorough"


@pytest.fixture(scope="module")
def book(tmp_path_factory, thorough):
    folder = tmp_path_factory.mktemp("book")
    assert build.main(["--book", str(folder), *([] if thorough else ["03", "formula", "solutions/03"])]) == 0
    return folder


@pytest.fixture(scope="module")
def pages(book):
    return {path.relative_to(book).as_posix(): Page(path) for path in sorted(book.rglob("*.html"))}


def test_every_link_leads_somewhere(book, pages, thorough):
    broken = []
    for address, page in pages.items():
        assert len(page.ids) == len(set(page.ids)), address
        for link in page.links:
            if re.match(r"(https?|mailto):", link):
                continue
            place, _, mark = link.partition("#")
            target = os.path.normpath(os.path.join(os.path.dirname(address), place)) if place else address
            there = target in pages and (not mark or mark in pages[target].ids)
            left_out = re.match(r"(exercises/|solutions/)?\d\d_", target) and target not in pages and not thorough
            if not (there or left_out):
                broken.append((address, link))
    assert broken == []


def test_nothing_comes_from_elsewhere_and_every_picture_has_words(book, pages):
    for address, page in pages.items():
        for resource in page.resources:
            there = (book / os.path.dirname(address) / resource).exists()
            assert there or resource.startswith("data:"), (address, resource)
        assert all(image.get("alt") for image in page.images), address
    for name in ("search.js", "index.js", "book.css"):
        assert not re.search(r"(src|href|url|fetch|import)\W{1,3}https?:", (book / name).read_text(encoding="utf-8"))


def test_size(book, pages):
    assert max(path.stat().st_size for path in book.rglob("*.html")) < 3e6
    assert sum(path.stat().st_size for path in book.rglob("*") if path.is_file()) < 15e6


def test_the_cover_has_the_first_picture_of_the_readme_with_its_own_caption(book, pages):
    readme = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    cover = pages["index.html"].text
    picture, caption = re.search(r'<img src="([^"]+)".*?<figcaption>(.*?)</figcaption>', cover).groups()
    assert (book / picture).is_file() and readme.index("![") < readme.index(picture) < readme.index(f"*{caption}")
    assert "![" not in readme[readme.index(picture):readme.index(f"*{caption}")]


def test_an_equation_reaches_its_code_in_one_click_and_comes_back_in_one(pages):
    for entry in EQUATIONS:
        section = pages["equations.html"].text.partition(f'id="eq-{entry.number}"')[2].partition("</section>")[0]
        for function in filter(None, (entry.computed_by, entry.differentiated_by)):
            _, file, line = locate(function)
            address = "code/" + file.removesuffix(".py") + ".html"
            assert f'href="{address}#L-{line}"' in section
            assert f"L-{line}" in pages[address].ids
    chapter, code = pages["03_kl.html"], pages["code/minivae/kernels/gaussian.html"]
    assert "eq-3.7" in chapter.ids and "equations.html#eq-3.7" in chapter.links
    assert "../../../03_kl.html#eq-3.7" in code.links


def test_every_output_of_a_notebook_is_on_its_page(pages):
    import nbformat

    nb = nbformat.read(FOLDER / "03_kl.ipynb", 4)
    outputs = [output for cell in nb.cells for output in cell.get("outputs", [])]
    page = pages["03_kl.html"]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    latex = [output for output in outputs if "text/latex" in output.get("data", {})]
    assert len(page.images) == len(pictures) > 0 and page.formulas > 100
    assert page.text.count('class="number"') >= len(latex) > 0
    for output in outputs:
        if output.output_type == "stream":
            first = output.text.strip().splitlines()[0].strip()[:20]
            assert html.escape(first, quote=False) in page.text
    assert "$" not in re.sub(r"(?s)<pre.*?</pre>|<code.*?</code>|<script.*?</script>", "", page.text)


def test_an_equation_of_the_chain_leads_to_its_step_of_the_walk(pages):
    for step in ("z", "d.mu", "kl"):
        assert f"walk.html#{step}" in pages["equations.html"].links and step in pages["walk.html"].ids


def test_exercises_have_no_solution_and_solutions_stand_apart(pages):
    assert "exercises/03_kl_divergence.html" in pages and "solutions/03_kl_divergence.html" in pages
    assert "### BEGIN SOLUTION" not in pages["exercises/03_kl_divergence.html"].text


def test_names_that_begin_nothing_are_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        build.main(["--book", str(tmp_path), "99"])
    with pytest.raises(SystemExit):
        build.main(["--book", str(tmp_path), "--check"])
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def browser():
    with open_browser() as browser:
        yield browser


def test_the_search_finds_headings_equations_and_symbols(browser, book):
    browser.open((book / "index.html").as_uri())
    ask = "const f = document.getElementById('query'); f.value = arguments[0]; f.dispatchEvent(new Event('input'))"
    for query, words in (("closed form", "3."), ("log_var", "log_var"), ("zzzz", "Nothing found")):
        browser.run(ask, query)
        assert words in browser.run("return document.getElementById('found').textContent")
    browser.run(ask, "3.7")
    browser.click("#found a")
    assert browser.run("return location.hash") == "#eq-3.7"


@pytest.mark.parametrize("scheme, width", [("light", 1300), ("dark", 390)])
def test_pages_in_a_browser(browser, book, scheme, width):
    addresses = ["index.html", "03_kl.html", "equations.html", "exercises/03_kl_divergence.html", "formula_sheet.html",
                 "code/minivae/kernels/gaussian.html"]
    browser.prefer(scheme)
    browser.resize(width, 900)
    for address in addresses:
        browser.requests(), browser.complaints()
        browser.open((book / address).as_uri())
        assert all(request.startswith(("file:", "data:")) for request in browser.requests()), address
        assert browser.complaints() == [], address
        assert browser.run("return document.documentElement.scrollWidth <= innerWidth"), address
        heights = browser.run("return [...document.querySelectorAll('math')].filter(m => m.checkVisibility())"
                              ".map(m => m.getBoundingClientRect().height)")
        assert all(height > 4 for height in heights), address
        if AXE:
            browser.run(pathlib.Path(AXE).read_text(encoding="utf-8") + "; return true")
            found = browser.run("return axe.run().then("
                                "r => r.violations.map(v => [v.id, v.nodes.slice(0, 3).map(n => n.html)]))")
            assert found == [], address
