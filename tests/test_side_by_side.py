"""Tests that run in several processes are reported as in one process, whatever happens to them."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent
TESTS = """
import os, warnings, pytest
@pytest.fixture
def broken():
    raise KeyError("no fixture")
def test_right(capfd):
    os.write(1, b"seen")
    assert capfd.readouterr().out == "seen"
def test_wrong():
    print("printed in", __name__)
    assert 1 == 2
def test_broken(broken):
    pass
def test_skipped():
    pytest.skip("not here")
def test_warns():
    warnings.warn("look out")
def test_process():
    assert os.getpid() != int(os.environ["HERE"])
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="tests are run in one process there")


def told(folder, *options):
    code = "import os, sys, pytest; os.environ['HERE'] = str(os.getpid()); sys.exit(pytest.main(sys.argv[1:]))"
    done = subprocess.run([sys.executable, "-c", code, "-q", "-p", "no:cacheprovider", "-p", "side_by_side",
                           "--processes", "2", *options, str(folder)], capture_output=True, text=True, cwd=folder,
                          env=os.environ | {"PYTHONPATH": str(HERE), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
                                            "PYTEST_ADDOPTS": ""})
    return done.returncode, done.stdout


def test_every_outcome_is_told(tmp_path):
    for name in "abc":
        (tmp_path / f"test_{name}.py").write_text(TESTS, encoding="utf-8")
    code, text = told(tmp_path)
    assert code == 1 and re.search("^3 failed, 9 passed, 3 skipped, 3 warnings, 3 errors in", text, re.M), text
    for name in "abc":
        assert f"FAILED test_{name}.py::test_wrong - assert 1 == 2" in text and f"printed in test_{name}" in text
        assert f"ERROR test_{name}.py::test_broken" in text


@pytest.mark.parametrize("ends, words", [("os._exit(0)", "has ended: in test_b.py::test_ends"),
                                         ("pytest.exit('enough')", "Exit: enough")])
def test_a_process_that_ends_is_no_success(tmp_path, ends, words):
    (tmp_path / "test_a.py").write_text("def test_right():\n    pass\n", encoding="utf-8")
    (tmp_path / "test_b.py").write_text(f"import os, pytest\ndef test_ends():\n    {ends}\n", encoding="utf-8")
    code, text = told(tmp_path)
    assert code != 0 and words in text, text
