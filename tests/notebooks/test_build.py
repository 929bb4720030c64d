"""The notebooks' tool: what it refuses, what it lets pass, and that a stale notebook does not get through."""

import copy
import importlib.util
import pathlib
import re
import shutil

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

PATH = pathlib.Path(__file__).parents[2] / "notebooks" / "build.py"
spec = importlib.util.spec_from_file_location("build", PATH)
build = importlib.util.module_from_spec(spec)
spec.loader.exec_module(build)  # which makes the modules beside it importable

import checking  # noqa: E402

ALT = {"image/png": {"alt": "A line that rises."}}


def notebook(*outputs, source="1", **metadata):
    cells = [new_markdown_cell("# Title"),
             new_code_cell(source, outputs=list(outputs), execution_count=1, metadata=metadata)]
    return build.stripped(new_notebook(cells=cells))


def stream(text, name="stdout"):
    return new_output("stream", name=name, text=text)


def image(metadata=ALT):
    return new_output("display_data", data={"image/png": "aGk=", "text/plain": "hi"}, metadata=metadata)


def html(text):
    return new_output("display_data", data={"text/html": text})


TEMPORARY = "/" + "tmp"  # in two pieces, for this file itself names no place of any machine


def differences(before, after, **metadata):
    return build.differences(notebook(stream(before), **metadata), notebook(stream(after)))


def test_a_clean_notebook_has_no_blemish():
    assert build.blemishes(notebook(stream(f"ELBO -1.5 nats, <{TEMPORARY}/> 3 / opt\n"), image(),
                                    html("<img src='a' alt='a dot'>"))) == []


@pytest.mark.parametrize("nb, fault", [
    (notebook(image({})), "without alt text"),
    (notebook(image({"image/png": {"alt": "image"}})), "without alt text"),
    (notebook(html("<img src='a.png'>")), "without alt text"),
    (notebook(html("<img src='a.png' alt=''>")), "without alt text"),
    (notebook(stream("a warning", "stderr")), "writes to stderr: 'a warning'"),
    (notebook(new_output("error", ename="ValueError", evalue="no", traceback=[])), "an error, ValueError: no"),
    (notebook(stream("read /home/anna/data.npz")), "'/home/anna/data.npz'"),
    (notebook(stream(r"read C:\Users\anna")), "one machine"),
    (notebook(stream("<function f at 0x7f0123abcd>")), "one machine"),
    (notebook(source=f"open('{TEMPORARY}/x')"), "one machine"),
])
def test_blemishes_are_named(nb, fault):
    found = build.blemishes(nb)
    assert len(found) == 1 and fault in found[0]


def test_execution_counts_and_metadata():
    nb = notebook(stream("1"))
    nb.cells[1].execution_count = 7
    assert "execution counts are [7]" in build.blemishes(nb)[0]
    nb = notebook(stream("1"))
    nb.cells[1].metadata["execution"] = {"iopub.execute_input": "2025-01-01"}
    assert "metadata" in build.blemishes(nb)[0]
    assert build.blemishes(build.stripped(nb)) == []
    nb = notebook()
    nb.cells[0].source = "![](figures/latent_plane.png)"
    assert "cell 0: an image without alt text" in build.blemishes(nb)


def test_a_widget_is_left_out_and_tags_are_kept():
    nb = notebook(new_output("display_data", data={checking.WIDGET: {"model_id": "ab12"}, "text/plain": "slider"}),
                  stream("1"))
    assert [output.output_type for output in nb.cells[1].outputs] == ["stream"]
    assert notebook(tags=["tolerance=0.1"]).cells[1].metadata.tags == ["tolerance=0.1"]


def test_an_answer_is_folded_in_the_notebook_and_on_its_page():
    folded, open_ = notebook(stream("42"), tags=["answer"]), notebook(stream("42"))
    assert folded.cells[1].metadata.jupyter == {"source_hidden": True, "outputs_hidden": True}
    assert "jupyter" not in open_.cells[1].metadata
    page, plain = (build.page(nb, None) for nb in (folded, open_))
    inside = page[page.index('<details class="answer"><summary>Answer</summary>'):page.index("</details>")]
    assert "<pre>42</pre>" in inside and "<details" not in plain


@pytest.mark.parametrize("before, after", [
    ("loss 0.69314 nats", "loss 0.69315 nats"),                          # one unit of the last place
    ("1,234,567.25", "1,234,567.26"),
    ("gap 3.3e-16", "gap -1.1e-16"),                                     # rounding about zero
    ("[[ 0.12 -0.5]\n [ 1.2   3.0]]", "[[0.121  -0.5]\n [1.2 3.]]"),     # layout
    ("minivae/kernels/dense.py:84", "minivae/kernels/dense.py:90"),
    ("about 123456789", "about 123456790"),
    ("−0.25 nats", "-0.25 nats"),
])
def test_numbers_within_the_tolerance_pass(before, after):
    assert differences(before, after) == []


@pytest.mark.parametrize("before, after", [
    ("loss 0.69314 nats", "loss 0.69318 nats"),
    ("0.1", "0.2"),
    ("12 of 40", "13 of 40"),
    ("-0.25", "0.25"),
    ("1e-5", "1e-6"),
    ("2e-11", "9e-11"),
    ("nan", "0.5"),
    ("the ELBO", "the loss"),
    ("one two", "one"),
    ("equation 2.3 holds", "equation 2.3 holds 1"),
    ("encoder.0.W", "encoder.1.W"),
    ("#0072B2", "#0072B3"),
])
def test_changed_words_and_numbers_are_shown(before, after):
    (fault,) = differences(before, after)
    assert fault == f"cell 1, stdout:\n- {before}\n+ {after}"


def test_a_cell_may_widen_its_own_tolerance():
    assert differences("-104.2", "-105.1", tags=["tolerance=0.02"]) == []
    assert differences("-104.2", "-109.1", tags=["tolerance=0.02"]) != []


def test_images_and_kinds_of_output_are_compared():
    assert build.differences(notebook(image()), notebook(image())) == []
    assert "was committed" in build.differences(notebook(image()), notebook(stream("1")))[0]
    assert "was committed" in build.differences(notebook(image()), notebook())[0]
    other = image({"image/png": {"alt": "A line that falls."}})
    assert "alt text" in build.differences(notebook(image()), notebook(other))[0]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "FOLDER", tmp_path)
    return tmp_path


def put(folder, *sources, name="01_one.ipynb"):
    nb = new_notebook(cells=[new_markdown_cell("# One and $x^2$"), *map(new_code_cell, sources)])
    nbformat.write(nb, folder / name)
    return folder / name


def test_execute_then_check_then_tamper(folder, capfd):
    path = put(folder, "import minivae\nprint(0.123456)", "print('two')\nprint('lines')")
    assert build.main([]) == 0
    first = path.read_bytes()
    assert build.main([]) == 0 and path.read_bytes() == first  # the same bytes again
    assert build.main(["--check"]) == 0
    path.write_bytes(first.replace(b"0.123456\\n", b"0.123466\\n"))
    capfd.readouterr()
    assert build.main(["--check"]) == 1
    assert "cell 1, stdout:\n       - 0.123466\n       + 0.123456" in capfd.readouterr().out
    assert b"0.123466" in path.read_bytes()  # a check writes nothing


def test_a_cell_that_raises_leaves_the_file_alone(folder, capfd):
    path = put(folder, "1 / 0")
    before = path.read_bytes()
    assert build.main([]) == 1
    assert path.read_bytes() == before and "ZeroDivisionError" in capfd.readouterr().out


def test_pages_show_their_mathematics_without_a_network(folder, tmp_path):
    path = put(folder)
    nb = nbformat.read(path, as_version=4)
    nb.cells[0].source += "\n\n[next](02_two.ipynb)"
    nb.cells.append(copy.deepcopy(notebook(image()).cells[1]))
    nbformat.write(nb, path)
    mathjax = tmp_path / "mathjax" / "MathJax.js"
    mathjax.parent.mkdir()
    mathjax.write_text("")
    assert build.main(["--render", str(tmp_path / "pages"), "--mathjax", str(mathjax.parent)]) == 0
    page = (tmp_path / "pages" / "01_one.html").read_text(encoding="utf-8")
    assert mathjax.as_uri() in page and 'alt="A line that rises."' in page and 'href="02_two.html"' in page
    assert "<title>One and $x^2$</title>" in page and 'src="http' not in page


@pytest.mark.parametrize("arguments", [["04"], ["--check", "--render", "x"], ["--render", "x", "--mathjax", "nowhere"]])
def test_a_wrong_argument_is_an_error(folder, arguments):
    put(folder)
    with pytest.raises(SystemExit) as stopped:
        build.main(arguments)
    assert stopped.value.code == 2 and not (folder / "x").exists()


def test_what_cannot_be_rendered_is_said(folder, tmp_path, capsys):
    put(folder)
    (folder / "solutions").mkdir()
    shutil.copy(folder / "01_one.ipynb", folder / "solutions" / "06_six.ipynb")
    (tmp_path / "taken").write_text("")
    for arguments, message in (([str(tmp_path / "pages"), "solutions/06"],
                                "makes pages of the lessons, .* got solutions/06"),
                               ([str(tmp_path / "taken")], "--render names a folder; .*taken is a file")):
        with pytest.raises(SystemExit) as stopped:
            build.main(["--render", *arguments])
        assert stopped.value.code == 2 and re.search(message, capsys.readouterr().err)
    assert not (tmp_path / "pages").exists()
