"""The walk in a real browser: by key, by click, by address; light, dark and narrow; and no request leaves the page."""

import os
import pathlib

import numpy as np
import pytest
from browser import open_browser

import minivae as mv

pytest.importorskip("latex2mathml", reason="formulas are MathML only with latex2mathml")
AXE = os.environ.get("AXE_CORE")  # axe.min.js from the npm package axe-core
NOW = "return document.querySelector('.step[aria-current]').id"


@pytest.fixture(scope="module")
def toy():
    return mv.step_through(*mv.toy())


@pytest.fixture(scope="module")
def address(toy, tmp_path_factory):
    path = tmp_path_factory.mktemp("walk") / "walk.html"
    toy.save(path)
    return path.as_uri()


@pytest.fixture(scope="module")
def browser():
    with open_browser() as browser:
        yield browser


def test_by_key_from_x_to_the_last_weight_and_back(browser, address, toy):
    names = [step.name for step in toy]
    browser.open(address)
    seen = [browser.run(NOW)]
    for _ in names[1:]:
        browser.press("right")
        seen.append(browser.run(NOW))
    browser.press("right")  # there is none after the last
    assert seen == names and browser.run(NOW) == names[-1]
    assert browser.run("return document.getElementById('next').disabled")
    for _ in range(3):
        browser.press("left")
    assert browser.run(NOW) == names[-4]
    assert browser.run("return [...document.querySelectorAll('.step')].filter(s => !s.hidden).length") == 1


def test_by_address_by_click_and_back(browser, address):
    browser.open(address + "#d.z")
    assert browser.run(NOW) == "d.z" and browser.run("return scrollY") == 0
    browser.click("#d\\.z dl a")                                                   # what it is made from
    assert browser.run(NOW) == "d.decoder.0.h"
    browser.click(".graph a[data-symbol='mu']")                                    # a node
    assert browser.run(NOW) == "d.mu"
    browser.click("#d\\.mu math .here[data-step='d.kl']")                          # a symbol of the equation
    assert browser.run(NOW) == "d.kl"
    browser.open(address + "#d.mu")
    browser.click("#d\\.mu pre a.row")                                             # a line of code
    assert browser.run(NOW) != "d.mu"
    browser.back()
    assert browser.run(NOW) == "d.mu" and browser.run("return location.hash") == "#d.mu"


def test_the_numbers_are_the_traces(browser, address, toy):
    browser.open(address)
    for step in toy:
        shown = browser.run("""
            const step = document.getElementById(arguments[0]);
            return [...step.querySelectorAll(".array")].map(
              array => [...array.querySelectorAll("td")].map(cell => cell.textContent))""", step.name)
        assert [f"{number:.4g}".replace("-", "−") for number in np.ravel(step.value)] in shown, step.name


def test_predict_first_covers_the_numbers_until_asked_for(browser, address):
    visible = "return document.querySelector('.step[aria-current] .cover-me').offsetHeight > 0"
    browser.open(address + "#z")
    assert browser.run(visible)
    browser.click("#predict")
    assert not browser.run(visible)
    browser.press("right")
    assert not browser.run(visible)
    browser.click(".step[aria-current] .uncover")
    assert browser.run(visible)
    browser.click("#predict")
    browser.press("right")
    assert browser.run(visible)


def test_a_symbol_in_an_equation_tells_its_value(browser, address, toy):
    browser.open(address + "#z")
    browser.run("document.querySelector(\"#z math .here[data-step='mu']\").dispatchEvent(new Event('mouseenter'))")
    assert browser.run("return document.getElementById('tip').hidden") is False
    assert f"{toy['mu'].value[2, 0]:.3f}"[:4] in browser.run("return document.getElementById('tip').textContent")
    browser.press("escape")
    assert browser.run("return document.getElementById('tip').hidden")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1300, 390])
def test_formulas_have_a_height_and_nothing_sticks_out(browser, address, width, scheme):
    browser.prefer(scheme)
    browser.resize(width, 900)
    browser.open(address + "#d.log_var")
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
    heights = browser.run("""
        return [...document.querySelectorAll("#d\\\\.log_var math")].map(math =>
        math.getBoundingClientRect().height)""")
    assert heights and min(heights) > 10
    background = browser.run("return getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, background[4:-1].split(","))) < 200) == (scheme == "dark")


@pytest.mark.skipif(not AXE, reason="AXE_CORE does not name axe.min.js, of the npm package axe-core")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("step", ["z", "d.mu", "d.encoder.0.W"])
def test_axe_finds_no_violation(browser, address, step, scheme):
    browser.prefer(scheme)
    browser.resize(1300, 900)
    browser.open(f"{address}#{step}")
    browser.run(pathlib.Path(AXE).read_text(encoding="utf-8") + "; return true")
    found = browser.run("return axe.run().then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.html)]))")
    assert found == []


def test_no_request_and_no_complaint(browser, address):
    browser.requests(), browser.complaints()
    browser.open(address)
    browser.press("right")
    assert {request.partition("#")[0] for request in browser.requests() if not request.startswith("data:")} == {address}
    assert browser.complaints() == []
