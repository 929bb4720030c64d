"""The course as a book: a folder of pages that need no network, from the committed notebooks.

``build.py --book`` calls this. There is a page for each notebook, exercise, solution and module of the package, and
there are pages that lead there: the cover, the list of equations, the walk through one pass. Formulas are MathML. An
equation links to the lines that compute it, and every citation of an equation to the place where it is derived.
Nothing is executed.
"""

import html
import json
import pathlib
import re
import shutil
from typing import NamedTuple

import jinja2
import mistune
import nbformat
from nbconvert.exporters import TemplateExporter
from nbconvert.filters import Highlight2HTML
from nbconvert.preprocessors import ExtractOutputPreprocessor
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

import minivae as mv
from minivae.derivation import EQUATIONS, locate
from minivae.lesson.mathml import mathml
from rendering import Renderer, colours_of_code, fewer_colours, formulas_in, plain, reachable

__all__ = ["write_book"]

FOLDER = pathlib.Path(__file__).resolve().parent
PARTS, ROOT = FOLDER / "book", FOLDER.parent
PACKAGE = ROOT / "minivae"
NUMBER = r"\d{1,2}\.\d{1,2}"
CITED = re.compile(rf"\(({NUMBER}(?:(?:, | and | or | to |–){NUMBER})*)\)"
                   rf"|(?<=quation )({NUMBER})|(?<=quations )({NUMBER}(?:(?:, and |, | and | or | to |–){NUMBER})*)")
LINES = re.compile(r"\b(minivae/[\w/]+\.py)(?::(\d+))?")
MINUTES = re.compile(r"^\*\*Time\*\*[^\n]*", re.MULTILINE)
PLACES = {entry.number: f"{entry.number.partition('.')[0]:0>2}" for entry in EQUATIONS}  # by the chapter's number


class Chapter(NamedTuple):
    """A notebook that becomes a page."""

    source: pathlib.Path
    address: str      # of its page, within the book
    title: str
    nb: nbformat.NotebookNode


def write_book(folder, paths):
    """Write the book into a folder, and return how many pages it has.

    Parameters
    ----------
    folder : pathlib.Path
        Made if it does not exist; files of the same names are overwritten.
    paths : list of pathlib.Path
        The notebooks that get a page, in order: of the course, and of solutions/, whose exercises get one too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    book = Book(folder, paths)
    book.write_all()
    return book.pages


class Book:
    """The pages of one book, the places of its equations, and the index for the search."""

    def __init__(self, folder, paths):
        self.folder, self.pages, self.index, self.documents = folder, 0, [], set()
        self.template = jinja2.Environment(loader=jinja2.FileSystemLoader(PARTS)).get_template("page.html")
        self.course = [chapter(path) for path in paths if path.parent == FOLDER]
        self.solutions = [chapter(path) for path in paths if path.parent.name == "solutions"]
        self.exercises = [chapter(FOLDER / "exercises" / one.source.name) for one in self.solutions]
        self.walk = mv.step_through(*mv.toy())
        self.derived = {number: one.address for one in self.course for number in tags_of(one.nb)
                        if one.source.name.startswith(PLACES.get(number, "-"))}

    def write_all(self):
        self.cover()
        chapters = self.course
        for before, one, after in zip([None, *chapters], chapters, [*chapters[1:], None]):
            self.notebook(one, before and (before.address, before.title), after and (after.address, after.title))
        for one in (*self.exercises, *self.solutions):
            self.notebook(one, ("../exercises/index.html", "All exercises"), None)
        self.list_of_exercises()
        self.equations()
        self.code()
        self.walk.save(self.folder / "walk.html")
        self.pages += 1
        for name in ("book.css", "search.js"):
            shutil.copy(PARTS / name, self.folder / name)
        with open(self.folder / "book.css", "a", encoding="utf-8") as file:
            file.write(colours_of_code())
        for picture in sorted((FOLDER / "figures").iterdir()):
            copy_picture(picture, self.folder / "figures" / picture.name)
        (self.folder / "index.js").write_text("window.BOOK = " + json.dumps(self.index, ensure_ascii=False, indent=0)
                                              + ";\n", encoding="utf-8")

    def write(self, address, title, body, *, sections=(), previous=None, next=None):
        """Write one page: links to other pages are made from ``address``."""
        path = self.folder / address
        path.parent.mkdir(parents=True, exist_ok=True)
        up = "../" * address.count("/")
        path.write_text(self.template.render(title=title, body=self.linked(body, up), up=up, sections=sections,
                                             previous=previous, next=next), encoding="utf-8")
        self.pages += 1

    def linked(self, body, up):
        """Turn every citation of an equation, and every name of a module's file, into a link."""
        def citation(match):
            return re.sub(NUMBER, lambda number: self.link_to_equation(number.group(), up), match.group())

        def lines(match):
            file, line = match.groups()
            there = (ROOT / file).is_file()
            return f'<a href="{up}{code_address(file)}{f"#L-{line}" if line else ""}">{match.group()}</a>' if there \
                else match.group()

        pieces, skip = re.split(r"(<[^>]+>)", body), 0
        for i, piece in enumerate(pieces):
            if re.match(r"<(a|h1|math|script|style|svg)\b", piece) and not piece.endswith("/>"):
                skip += 1
            elif re.match(r"</(a|h1|math|script|style|svg)>", piece):
                skip -= 1
            elif not skip and not piece.startswith("<"):
                pieces[i] = LINES.sub(lines, CITED.sub(citation, piece))
        return "".join(pieces)

    def link_to_equation(self, number, up):
        if number not in PLACES:
            return number
        place = f"{self.derived[number]}#eq-{number}" if number in self.derived else f"equations.html#eq-{number}"
        return f'<a href="{up}{place}">{number}</a>'

    # --- notebooks --------------------------------------------------------------------------------------------

    def notebook(self, one, previous, next):
        """A notebook's page, its pictures beside it."""
        up = "../" * one.address.count("/")
        renderer = Renderer(up, self.derived, one.address)
        exporter = TemplateExporter(
            template_file=str(PARTS / "cells.html.j2"), extra_template_basedirs=[str(PARTS)],
            filters={"markdown2html": renderer.page, "formulas": formulas_in, "highlight_code": Highlight2HTML()})
        name = f"{one.source.parent.name[0]}{one.source.stem}_{{cell_index}}_{{index}}{{extension}}"
        pictures = ExtractOutputPreprocessor(output_filename_template=f"{up}pictures/{name}")
        exporter.register_preprocessor(pictures, enabled=True)
        body, resources = exporter.from_notebook_node(one.nb)
        for name, data in resources["outputs"].items():
            path = self.folder / name.removeprefix(up)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(fewer_colours(data))
        body = reachable(self.local_links(body, one.source.parent, one.address))
        for id, heading, level in renderer.sections:
            self.index.append(["heading", plain(heading), f"{one.address}#{id}", one.title])
        self.write(one.address, one.title, body, sections=[row for row in renderer.sections if row[2] > 1],
                   previous=previous, next=next)

    def local_links(self, body, folder, address):
        """Links to files beside ``folder`` lead to their pages; a document gets one when it is first linked to."""
        up = "../" * address.count("/")

        def link(match):
            place, mark = match.group(1), match.group(2) or ""
            path = (folder / place).resolve()
            if re.match(r"\w+:", place) or not path.is_relative_to(ROOT) or not path.is_file():
                return match.group()
            name = path.relative_to(ROOT).as_posix()
            if path.suffix == ".ipynb":
                return f'href="{up}{path.relative_to(FOLDER).with_suffix(".html").as_posix()}{mark}"'
            if name == "README.md":
                return f'href="{up}index.html"'
            if path.suffix == ".md":
                self.document(path)
                return f'href="{up}documents/{name.removesuffix(".md")}.html{mark}"'
            return f'href="{up}{code_address(name)}"' if name.startswith("minivae/") and path.suffix == ".py" else ""

        return re.sub(r'href="([^"#]+)(#[^"]*)?"', link, body)

    def document(self, path):
        """A page for a document in Markdown, and copies of its pictures."""
        name = path.relative_to(ROOT).with_suffix("").as_posix()
        address = f"documents/{name}.html"
        if address in self.documents:
            return
        self.documents.add(address)
        renderer = Renderer("../" * address.count("/"), self.derived, address)
        body = self.local_links(renderer.page(path.read_text(encoding="utf-8")), path.parent, address)
        for picture in re.findall(r'<img src="([^":]+)"', body):
            copy_picture(path.parent / picture, (self.folder / address).parent / picture)
        title = next((plain(heading) for _, heading, level in renderer.sections if level == 1), name)
        self.write(address, title, reachable(body))

    # --- pages that lead on -----------------------------------------------------------------------------------

    def cover(self):
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        about = mistune.html(readme.partition("\n![")[0].partition("\n\n")[2])
        about = self.local_links(about, ROOT, "index.html")
        first = re.search(r"!\[([^\]]*)\]\(notebooks/([^)]*)\)\s+\*(.*?)\s+Drawn by", readme, re.DOTALL)
        alt, picture, caption = first.groups()
        rows = "".join(f'<li><a href="{one.address}">{html.escape(one.title)}</a> '
                       f'<span class="minutes">{time_of(one.nb)}</span>{second_reading(one.nb)}</li>'
                       for one in self.course)
        body = (f'<h1>minivae</h1>{about}<figure><img src="{picture}" alt="{html.escape(alt)}">'
                f"<figcaption>{html.escape(caption)}</figcaption></figure>"
                f"<h2 id=\"contents\">The course</h2><ol class=\"contents\">{rows}</ol>"
                '<h2 id="beside">Beside it</h2><ul><li><a href="walk.html">The walk</a>: one pass of a small VAE, '
                "forward and back, a symbol at a time: equation, code and numbers.</li>"
                '<li><a href="equations.html">Every equation</a>, with the place where it is derived and the lines '
                'that compute it.</li><li><a href="exercises/index.html">The exercises</a>, and their solutions.</li>'
                '<li><a href="code/index.html">The package\'s source</a>, a page for each module.</li>'
                '<li><a href="TEACHING.md">For teachers</a>: grading, a term\'s plan, adding an exercise.</li></ul>')
        self.write("index.html", "minivae", self.local_links(body, FOLDER, "index.html"))

    def list_of_exercises(self):
        rows = "".join(f'<li><a href="{one.source.stem}.html">{html.escape(one.title)}</a></li>'
                       for one in self.exercises)
        answers = "".join(f'<li><a href="../{one.address}">{html.escape(one.title)}</a></li>' for one in self.solutions)
        self.write("exercises/index.html", "Exercises",
                   "<h1>Exercises</h1><p>Statements and stubs. To be checked on the spot, open them in Jupyter: "
                   f"<code>notebooks/exercises/</code>.</p><ol>{rows}</ol>"
                   f"<details><summary>Solutions</summary><ol>{answers}</ol></details>")

    def equations(self):
        """Every equation: where it is derived, and the lines that compute and differentiate it."""
        rows = []
        for entry in EQUATIONS:
            links = []
            if entry.number in self.derived:
                links.append(f'<a href="{self.derived[entry.number]}#eq-{entry.number}">derived here</a>')
            for verb, function in (("computed by", entry.computed_by), ("differentiated by", entry.differentiated_by)):
                if function:
                    name, file, line = locate(function)
                    links.append(f'{verb} <a href="{code_address(file)}#L-{line}"><code>{name}</code></a>')
            steps = {step.name for step in self.walk} & set((entry.symbol or "").split())
            links += [f'<a href="walk.html#{step}"><code>{step}</code> in the walk</a>' for step in sorted(steps)]
            rows.append(f'<section id="eq-{entry.number}"><h2>{entry.number} {html.escape(entry.meaning)}</h2>'
                        f'<div class="equation" tabindex="0" role="group" aria-label="Equation {entry.number}">'
                        f'{mathml(entry.latex, entry.plain)}</div><p>{"; ".join(links)}</p></section>')
            place = f"{self.derived[entry.number]}#eq-{entry.number}" if entry.number in self.derived else \
                f"equations.html#eq-{entry.number}"
            words = f"{entry.plain} {entry.symbol or ''}"
            self.index.append(["equation", f"{entry.number} {entry.meaning}", place, words])
            for symbol in (entry.symbol or "").split():
                self.index.append(["symbol", symbol, f"equations.html#eq-{entry.number}", entry.meaning])
        self.write("equations.html", "Every equation", "<h1>Every equation</h1>" + "\n".join(rows))

    # --- code -------------------------------------------------------------------------------------------------

    def code(self):
        """The package's source, a page for each module; and their list."""
        formatter = HtmlFormatter(linenos="inline", lineanchors="L", anchorlinenos=True)
        files = [path for path in sorted(PACKAGE.rglob("*.py")) if path.read_text(encoding="utf-8").strip()]
        rows = []
        for path in files:
            file, text = path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
            first = re.match(r'"""(.+?)(?:\n\n|""")', text, re.DOTALL)
            about = " ".join(first.group(1).split()) if first else ""
            address = code_address(file)
            rows.append(f'<li><a href="{address.removeprefix("code/")}"><code>{file}</code></a> '
                        f"{html.escape(about)}</li>")
            body = highlight(text, PythonLexer(stripnl=False), formatter)
            body = re.sub(r'<a id="(L-\d+)" name="L-\d+"></a>', r'<span id="\1"></span>', body)
            body = body.replace("<pre>", '<pre tabindex="0" role="group" aria-label="Source">')
            self.write(address, file, f'<h1><code>{file}</code></h1><div class="module">{body}</div>')
            self.index.append(["module", file, address, about])
        self.write("code/index.html", "The package's source", f"<h1>The package's source</h1><ul>{''.join(rows)}</ul>")


def chapter(path):
    nb = nbformat.read(path, 4)
    lines = [line for cell in nb.cells for line in cell.source.splitlines()]
    title = next((line.lstrip("# ") for line in lines if line.startswith("# ")), path.stem)
    address = path.relative_to(FOLDER).with_suffix(".html").as_posix()
    return Chapter(path, address, title, nb)


def tags_of(nb):
    """The numbers of the equations that a notebook shows, in text or as a cell's output."""
    texts = [cell.source for cell in nb.cells if cell.cell_type == "markdown"]
    texts += [data for cell in nb.cells for output in cell.get("outputs", [])
              for kind, data in output.get("data", {}).items() if kind in ("text/latex", "text/markdown")]
    return re.findall(r"\\tag\{([^}]*)\}", "\n".join(texts))


def time_of(nb):
    """What a notebook says of the time it takes."""
    found = MINUTES.search("\n".join(cell.source for cell in nb.cells[:3]))
    return html.escape(found.group().removeprefix("**Time**").partition(". ")[0].strip(" .")) if found else ""


def second_reading(nb):
    """The sections that a notebook marks as a second reading."""
    marked = [plain(line.lstrip("# ")) for cell in nb.cells if cell.cell_type == "markdown"
              for line in cell.source.splitlines() if line.startswith("## ") and "second reading" in line.lower()]
    marked = [re.sub(r"\s*\(second reading\)", "", heading) for heading in marked]
    return f'<br><span class="minutes">second reading: {html.escape("; ".join(marked))}</span>' if marked else ""


def copy_picture(source, target):
    """Copy a picture of the course; a PNG in fewer colours, as those that the notebooks drew."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(fewer_colours(source.read_bytes()) if source.suffix == ".png" else source.read_bytes())


def code_address(file):
    return "code/" + file.removesuffix(".py") + ".html"
