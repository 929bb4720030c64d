"""What a student meets beside right and wrong: exceptions, loops, output, odd returns, hints, the map of the course."""

import json
import signal
import sys
import threading

import numpy as np
import pytest
from exercises.notebooks import function, sources

from minivae import exercises
from minivae.exercises import course
from minivae.exercises.answers.foreign import Local
from minivae.exercises.answers.limits import PRINTED, Beginning, OutOfTime
from minivae.exercises.progress_map import ProgressMap
from minivae.exercises.collection import EXERCISES

RIGHT = function("solutions", "dense_backward")


@pytest.fixture(autouse=True)
def fresh_progress(monkeypatch):
    monkeypatch.setattr(course, "_PROGRESS", ProgressMap())


def check(answer, name="dense_backward"):
    return exercises.check(name, answer)


def raises(error):
    def answer(*arguments):
        raise error
    return answer


class Rude(Exception):
    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize("answer, stage, words", [
    (raises(ValueError("no")), "raises", "raised ValueError: no, at the line  raise error"),
    (raises(SystemExit(3)), "raises", "raised SystemExit"),
    (raises(RecursionError()), "raises", "raised RecursionError"),
    (raises(Rude()), "raises", "raised Rude"),
    (lambda: None, "raises", "It is called as dense_backward(dy, x, W) → dx, dW, db"),
    (lambda dy, x, W: sys.exit(), "raises", "SystemExit"),
    (lambda dy, x, W: None, "returns", "returns None"),
    (lambda dy, x, W: RIGHT(dy, x, W)[0], "returns", "one array of shape ("),
    (lambda dy, x, W: RIGHT(dy, x, W)[:2], "returns", "returns 2 things; asked for are 3: dx, dW, db"),
    (lambda dy, x, W: (*RIGHT(dy, x, W), dy), "returns", "returns 4 things"),
    (lambda dy, x, W: {**dict(zip(("dx", "dW"), RIGHT(dy, x, W)))}, "returns", "db is missing"),
    (lambda dy, x, W: dict(zip(("grad_x", "grad_W", "grad_b"), RIGHT(dy, x, W))), "returns",
     "its keys are grad_x, grad_W, grad_b; asked for: dx, dW, db"),
    (lambda dy, x, W: {**dict(zip(("dx", "dW", "db"), RIGHT(dy, x, W))), "dy": dy}, "returns",
     "it returns 'dy' as well"),
    (lambda dy, x, W: (None, *RIGHT(dy, x, W)[1:]), "returns", "dx is None"),
    (lambda dy, x, W: 10**400, "returns", "returns a whole number of many digits"),
    (lambda dy, x, W: (["a"], *RIGHT(dy, x, W)[1:]), "dtype", "dx should be an array of floats; got a list of strs"),
    (lambda dy, x, W: (RIGHT(dy, x, W)[0].reshape((1,) * 20 + (-1, 1)), *RIGHT(dy, x, W)[1:]), "shape",
     "dx has shape (1, 1,"),
    (lambda dy, x, W: (RIGHT(dy, x, W)[0].T, *RIGHT(dy, x, W)[1:]), "shape", "transposed"),
    (lambda dy, x, W: (*RIGHT(dy, x, W)[:2], dy), "shape", "the sum over axis 0 is missing"),
    (lambda dy, x, W: ("dx", *RIGHT(dy, x, W)[1:]), "dtype", "dx should be an array of floats; got a str"),
    (lambda dy, x, W: (RIGHT(dy, x, W)[0].astype(int), *RIGHT(dy, x, W)[1:]), "dtype", "whole numbers"),
    (lambda dy, x, W: [g.astype(np.float32) for g in RIGHT(dy, x, W)], "dtype",
     "float32 where what came in is float64"),
    (lambda dy, x, W: [g.astype(complex) for g in RIGHT(dy, x, W)], "dtype", "complex"),
    (lambda dy, x, W: (RIGHT(dy, x, W)[0].astype(object), *RIGHT(dy, x, W)[1:]), "dtype", "array of object"),
    (lambda dy, x, W: [g * np.nan for g in RIGHT(dy, x, W)], "value", "dx is nan"),
    (lambda dy, x, W: RIGHT(dy, np.multiply(x, 2, out=x) / 2, W), "behaviour", "x is changed in place"),
    (lambda dy, x, W: RIGHT(np.ones_like(dy), x, W), "behaviour", "the upstream gradient is ignored"),
    (lambda dy, x, W: [g * np.random.random() for g in RIGHT(dy, x, W)], "behaviour",
     "another answer on the second call"),
    (lambda dy, x, W: (RIGHT(dy, x, W)[0], RIGHT(dy, x, W)[1] / len(x), RIGHT(dy, x, W)[2]), "value",
     "dW takes the mean over the batch"),
    (lambda dy, x, W: [g.astype(np.float32).astype(float) for g in RIGHT(dy, x, W)], "value",
     "right to 7 digits and no further: is something computed in float32, or a small number added?"),
    ("dense_backward", "function", "should be a function; got a str"),
])
def test_the_first_fault_is_named_and_only_that(answer, stage, words):
    report = check(answer)
    assert report.verdict == "fail" and not report and report.stage == stage, report
    assert words in str(report) and "hint" in str(report)
    assert len([line for line in str(report).splitlines() if line.startswith(("✗", "✓"))]) == 1


def test_the_first_thing_alone_when_all_is_wrong():
    report = check(lambda dy, x, W: [2 * g for g in RIGHT(dy, x, W)])
    assert "dx[" in str(report) and "dW[" not in str(report) and "factor 2.000" in str(report)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer on this platform")
def test_an_endless_loop_ends():
    def loops():
        while True:
            try:
                pass
            except Exception:
                pass

    call = Local(loops, seconds=0.2)
    for _ in range(2):   # the second time at once
        with pytest.raises(OutOfTime, match="did not finish within 0.2 seconds: an endless loop"):
            call()
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_without_a_main_thread_there_is_no_timer_and_no_error():
    found = []
    thread = threading.Thread(target=lambda: found.append(check(RIGHT)))
    thread.start()
    thread.join()
    assert found[0].verdict == "pass"


def test_ctrl_c_passes_through():
    with pytest.raises(KeyboardInterrupt):
        check(raises(KeyboardInterrupt()))


def test_what_it_prints_is_shown_once_and_cut(capsys):
    def loud(dy, x, W):
        print("shape", dy.shape)
        print("x" * 10**6)
        return RIGHT(dy, x, W)

    report = check(loud)
    assert report and "It printed:\n  shape (" in str(report) and len(str(report)) < 4000
    assert capsys.readouterr().out == ""


def test_arguments_are_copies_and_the_real_ones_stay():
    seen = []

    def greedy(dy, x, W):
        seen.append(dy.copy())
        result = RIGHT(dy, x, W)
        dy[...] = 0
        return result

    assert "dy is changed in place" in str(check(greedy))
    assert all(a.any() for a in seen)


def test_a_function_may_refuse_what_is_no_pixel():
    def careful(logits, x):
        assert set(np.unique(x)) <= {0.0, 1.0}
        return (x * logits - np.logaddexp(0, logits)).sum(axis=1)

    def careful_backward(dll, logits, x):
        assert set(np.unique(x)) <= {0.0, 1.0}
        return dll[:, None] * (x - 0.5 * (1 + np.tanh(0.5 * logits)))

    assert check(careful, "bernoulli_log_likelihood")
    assert check(careful_backward, "bernoulli_log_likelihood_backward")


def test_not_a_function_and_not_an_exercise():
    assert "should be a function; got a tuple" in str(check((1, 2)))
    with pytest.raises(ValueError, match="there is no exercise 'dense'; there are dense_dx, dense_dW, dense_db"):
        exercises.check("dense", RIGHT)


def test_reports_show_themselves():
    right, wrong, stub = check(RIGHT), check(lambda dy, x, W: None), check(function("exercises", "dense_backward"))
    assert str(right).startswith("✓ dense_backward: right")
    assert "agree with finite differences to 8 digits; no error is above a tenth of its bound" in str(right)
    assert 'Next: tanh_backward' in str(right) and "float32" in str(right)
    assert "<b style='color:#b3261e'>✗ dense_backward" in wrong._repr_html_() and "&quot;" in wrong._repr_html_()
    assert str(stub).startswith("· dense_backward: not written yet")
    assert repr(right) == str(right) and exercises.ExerciseReport is type(right)


def test_hints_come_a_step_at_a_time_and_never_hold_the_solution():
    said = [exercises.hint("dense_dW") for _ in range(5)]
    assert [text.partition(":")[0] for text in said[:3]] == [f"dense_dW, hint {k} of 3" for k in (1, 2, 3)]
    assert said[3] == said[4] and "those were all 3" in said[3] and repr(said[0]) == str(said[0])
    for name, exercise in EXERCISES.items():
        lines = [line.split("=")[-1].removeprefix("return ").strip()
                 for line in sources("solutions")[name].splitlines()[2:-1]
                 if "#" not in line]
        assert len(exercise.hints) >= 2
        assert not any(line in text for line in lines if len(line) > 6
                       for text in (*exercise.hints, exercise.statement))


def test_statements_are_whole():
    for name, exercise in EXERCISES.items():
        text = exercises.statement(name)
        assert exercise.call in text and exercise.shapes in text and f"{exercise.minutes} minutes" in text
        assert 1 <= exercise.difficulty <= 3 and 5 <= exercise.minutes <= 60
        for returned in (*exercise.returns, ""):
            exercise.line(returned)   # every number cited is in the registry
    assert exercises.names() == sorted(EXERCISES, key=lambda name: (EXERCISES[name].notebook, EXERCISES[name].place))


def test_the_map_and_its_file(tmp_path, monkeypatch):
    file = tmp_path / "progress.json"
    exercises.progress(file)
    check(RIGHT)
    check(lambda dy: None, "dense_db")
    check(function("exercises", "dense_dW"), "dense_dW")
    exercises.hint("dense_db")
    text = exercises.progress()
    total, points = len(EXERCISES), sum(exercise.points for exercise in EXERCISES.values())
    assert f"1 of {total} exercises pass, 1 of {points} points" in text
    assert "✓ dense_backward" in text and "· dense_dW" in text
    assert "✗ dense_db" in text and "fix first: what it returns" in text
    assert 'exercises.statement("log_mean_exp")' in text
    monkeypatch.setattr(course, "_PROGRESS", ProgressMap())   # a new kernel
    assert f"0 of {total}" in exercises.progress()
    assert exercises.progress(file) == text
    assert "hint 2 of 2" in exercises.hint("dense_db")


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"what": "minivae exercises"}',
                                  '{"what": "else", "results": {}, "hints": {}}'])
def test_another_file_is_left_alone(tmp_path, text):
    file = tmp_path / "notes.txt"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="is no record of progress: it is left as it is"):
        exercises.progress(file)
    assert file.read_text(encoding="utf-8") == text


def test_a_report_comes_even_if_progress_cannot_be_kept(tmp_path):
    folder = tmp_path / "gone"
    with pytest.raises(ValueError, match="the folder .*gone does not exist. Make it first"):
        exercises.progress(folder / "progress.json")
    folder.mkdir()
    exercises.progress(folder / "progress.json")
    (folder / "progress.json").unlink()
    folder.rmdir()
    with pytest.warns(UserWarning, match="progress is not kept"):
        assert check(RIGHT)


def test_a_file_from_a_newer_course_keeps_what_is_known(tmp_path):
    file = tmp_path / "progress.json"
    kept = {"what": "minivae exercises", "results": {"dense_dW": "pass", "gone": "pass"}, "hints": {}}
    file.write_text(json.dumps(kept), encoding="utf-8")
    assert "✓ dense_dW" in exercises.progress(file) and f"1 of {len(EXERCISES)}" in exercises.progress(file)


def test_only_the_beginning_of_what_is_printed_is_kept():
    stream = Beginning()
    for _ in range(5):
        assert stream.write("x" * (PRINTED // 2 - 1)) == PRINTED // 2 - 1
    assert str(stream) == "x" * PRINTED + "..."
