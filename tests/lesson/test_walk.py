"""The walk as a file: it holds one real pass with every step and every link, and loads nothing from elsewhere."""

import html.parser
import re

import numpy as np
import pytest

import minivae as mv
from minivae.lesson import walk
from minivae.lesson.mathml import linked, mathml

latex2mathml = pytest.importorskip("latex2mathml", reason="formulas are MathML only with latex2mathml")
VOID = {"meta", "link", "img", "hr", "input", "br"}


class Page(html.parser.HTMLParser):
    """What a page holds: ids, links, addresses of other things; whether its tags nest."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.resources, self.images, self.open = [], [], [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.links += [attributes["href"]] if tag == "a" else []
        self.resources += [attributes[name] for name in ("src", "srcset") if name in attributes]
        self.resources += [attributes["href"]] if tag == "link" else []
        self.images += [attributes] if tag == "img" else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        assert "id" not in dict(attributes)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def toy():
    return mv.step_through(*mv.toy())


def test_every_step_is_on_the_page_and_every_link_leads_to_one(toy):
    page = Page(walk.page(toy))
    names = [step.name for step in toy]
    assert [name for name in page.ids if name in names] == names and len(set(page.ids)) == len(page.ids)
    assert {link.removeprefix("#") for link in page.links} <= set(names)
    assert names[0] == "x" and "loss" in names and names[-1] in ("d.encoder.0.W", "d.encoder.0.b")


def test_it_asks_for_nothing_from_elsewhere(toy):
    text = walk.page(toy)
    assert all(address.startswith("data:") for address in Page(text).resources)
    assert set(re.findall(r"https?://[^\s\"'<]+", text)) <= {"http://www.w3.org/1998/Math/MathML"}


def test_the_numbers_are_those_of_the_pass(toy):
    page = walk.page(toy)
    for name in ("mu", "z", "kl", "d.log_var", "d.decoder.1.W"):
        section = page[page.index(f'id="{name}"'):]
        section = section[:section.index("</section>")]
        for number in np.ravel(toy[name].value):
            assert f"<td>{number:.4g}</td>".replace("-", "−") in section, name


def test_where_two_paths_meet_both_are_shown_and_add_up(toy):
    for name in ("d.mu", "d.log_var"):
        np.testing.assert_allclose(sum(toy[name].parts.values()), toy[name].value, rtol=1e-14)
        section = walk.page(toy).partition(f'id="{name}"')[2].partition("</section>")[0]
        assert "2 paths meet here" in section and all(part in section for part in toy[name].parts)


def test_every_symbol_and_weight_is_a_node_of_the_graph(toy):
    graph = walk.page(toy).partition("<svg")[2].partition("</svg>")[0]
    assert set(re.findall('data-symbol="([^"]+)"', graph)) == {*toy.chain, *toy.model.parameters.keys()}
    assert graph.count('class="edge"') >= len(toy.chain)


def test_a_layers_equation_speaks_of_the_layers_own_symbols(toy):
    section = walk.page(toy).partition('id="d.decoder.1.W"')[2].partition("</section>")[0]
    equation = section.partition("Equation 5.5")[2].partition("</math>")[0]
    assert re.findall('data-step="([^"]+)"', equation)[-2:] == ["decoder.0.h", "d.logits"]  # dW = x^T dy


@pytest.mark.parametrize("settings", [
    dict(hidden=(), latent_dim=3), dict(hidden=(6, 5), latent_dim=2, activation="relu"),
    dict(hidden=(4,), latent_dim=2, likelihood="gaussian", noise_variance="learned")])
def test_anybodys_model_and_batch(settings, tmp_path):
    model, rng = mv.VAE(9, **settings), np.random.default_rng(0)
    steps = mv.step_through(model, rng.random((8, 9)), rng.standard_normal((8, settings["latent_dim"])))
    steps.save(tmp_path / "walk.html")
    page = Page((tmp_path / "walk.html").read_text(encoding="utf-8"))
    assert {step.name for step in steps} <= set(page.ids)
    assert all(image["alt"] for image in page.images) and len(page.images) > 2  # larger arrays are pictures


def test_it_is_written_whole_or_not_at_all(toy, tmp_path):
    (tmp_path / "walk.html").write_text("old")
    with pytest.raises(FileNotFoundError, match="folder"):
        toy.save(tmp_path / "none" / "walk.html")
    toy.save(tmp_path / "walk.html")
    assert (tmp_path / "walk.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [path.name for path in tmp_path.iterdir()] == ["walk.html"]


def test_a_formula_links_its_symbols_and_a_d_before_one_is_its_gradient():
    steps = {"μ": "mu", "dμ": "d.mu", "dz": "d.z", "dKL": "d.kl"}
    text = linked(r"d\mu = dz + d\,\mathrm{KL}\; \mu", "dmu = dz + dkl mu", steps, dict.fromkeys(steps.values(), "1"))
    assert re.findall('data-step="([^"]+)"', text) == ["d.mu", "d.z", "d.kl", "mu"]


def test_every_equation_of_the_course_is_mathml():
    for entry in mv.derivation.EQUATIONS:
        text = mathml(entry.latex)
        assert text.startswith("<math") and "\\" not in text, entry.number


@pytest.mark.parametrize("latex, expected", [
    (r"m\log p(x)", "m_log_p(x)"), (r"\log(1 - p)", "log(1−p)"), (r"-\log 2", "−log_2"), (r"\log \int q", "log_∫q"),
    (r"q(z)\log p", "q(z)_log_p"), (r"p\,\log q", "p_log_q"), (r"\log\log x", "log_log_x"), (r"\log^2 x", "log2_x"),
    (r"\frac{\log p}{2}", "log_p2"),
])
def test_functions_stand_apart_from_what_they_are_applied_to(latex, expected):
    spaced = re.sub(r"<mspace[^>]*>", "_", mathml(latex))
    assert re.sub(r"<[^>]+>", "", spaced) == expected


def test_without_latex2mathml_the_plain_text_stands(toy, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "latex2mathml.converter", None)
    page = walk.page(toy)
    assert "<math " not in page and f"<code>{mv.equation('4.5').plain}</code>" in page


def test_the_command_line_writes_the_walk_of_the_toy(toy, tmp_path, capsys):
    from minivae.cli.main import main

    assert not main(["derivation", "--html", str(tmp_path / "walk.html")])
    assert "walk.html" in capsys.readouterr().out
    assert (tmp_path / "walk.html").read_text(encoding="utf-8") == walk.page(toy)
    assert main(["derivation", "--html", str(tmp_path / "none" / "walk.html")]) == 1
    assert "does not exist" in capsys.readouterr().err
