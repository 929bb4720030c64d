"""The grader graded: right answers pass in whatever form, stubs are stubs, wrong answers fail and get their name."""

import numpy as np
import pytest
from exercises.alternatives import ALTERNATIVES
from exercises.notebooks import function, sources, with_mistake

import minivae as mv
from minivae import exercises
from minivae.exercises.catalogue import MISTAKES, planted
from minivae.exercises.collection import EXERCISES
from strategies import in_turn

# one function serves several
ABOUT = {"dense_dx": "dx", "dense_dW": "dW", "dense_db": "db", "dense_backward": "db", "softplus": "the softplus"}
TARGETS = {target for mistake in MISTAKES for target, *_ in mistake.changes}
by_name = pytest.mark.parametrize("name", EXERCISES)


def wrong_answers(exercise):
    """Return (mistake, function) for the exercise's own: in its notebook's solution, and in what that is built from."""
    found, own = [], next((target for target in exercise.built_from if target in TARGETS), None)
    for mistake in MISTAKES:
        targets = [target for target, _, _ in mistake.changes]
        if set(targets) == {f"solutions:{exercise.name}"}:
            found.append((mistake, with_mistake(mistake, exercise.name)))
        elif targets[0] == own and mistake.name.startswith(ABOUT.get(exercise.name, "")):
            found.append((mistake, planted_in(exercise, mistake)))
    return found


def planted_in(exercise, mistake):
    def answer(*arguments):
        with planted(mistake):
            return exercise.reference(*arguments)
    return answer


def changes_anything(exercise, mistake):
    """Whether a mistake in a function that serves several exercises shows in this one."""
    seen = []

    def watched(*arguments):
        right = exercise.reference(*arguments)
        with planted(mistake):
            wrong = exercise.reference(*arguments)
        seen.append(any(np.shape(a) != np.shape(b) or not np.allclose(a, b, rtol=1e-12, atol=0, equal_nan=True)
                        for a, b in zip(parts(right), parts(wrong), strict=True)))
        return right

    exercises.check(exercise.name, watched)
    return any(seen)


def parts(result):
    result = tuple(result.values()) if isinstance(result, dict) else result
    return result if isinstance(result, tuple) else (result,)


@by_name
def test_the_solution_passes(name):
    report = exercises.check(name, function("solutions", name))
    assert report.verdict == "pass" and bool(report), report
    assert EXERCISES[name].insight in str(report)


@by_name
def test_the_untouched_stub_is_not_written_yet(name):
    stub = function("exercises", name)
    with pytest.raises(NotImplementedError, match=f"{name}: .*next.*exercises.hint"):
        stub(*[None] * len(EXERCISES[name].arguments))
    report = exercises.check(name, stub)
    assert report.verdict == "fail" and report.stage == "raises" and not report.written
    assert len(report.diagnosis) == 1 and report.diagnosis[0].startswith("raised NotImplementedError")


@by_name
def test_another_correct_answer_passes(name):
    for answer in ALTERNATIVES[name]:
        report = exercises.check(name, answer)
        assert report.verdict == "pass", report


@by_name
def test_wrong_answers_fail_and_are_named(name):
    count = 0
    for mistake, answer in wrong_answers(EXERCISES[name]):
        report = exercises.check(name, answer)
        if report and not changes_anything(EXERCISES[name], mistake):
            continue
        assert report.verdict == "fail", f"{mistake.name}: {report}"
        expected = (mistake.diagnosis or mistake.name).replace("factor B", "= B")
        assert expected.lower() in str(report).lower() or mistake.name in str(report), f"{mistake.name}: {report}"
        count += 1
    assert count >= 3


FILLS = {"zeros": np.zeros_like, "ones": np.ones_like,
         "noise": lambda a, rng=np.random.default_rng(5): rng.standard_normal(np.shape(a))}


@pytest.mark.parametrize("name, fill", in_turn(EXERCISES, FILLS))
def test_answers_made_of_shape_alone_fail(name, fill):
    right = function("solutions", name)
    report = exercises.check(name, lambda *arguments: like(right(*arguments), FILLS[fill]))
    assert report.verdict == "fail", report


def like(result, fill):
    """The same structure with other contents."""
    if isinstance(result, dict):
        return {key: like(part, fill) for key, part in result.items()}
    if isinstance(result, (tuple, list)):
        return [like(part, fill) for part in result]
    return "" if isinstance(result, str) else fill(np.asarray(result, float)) if not isinstance(result, bool) else fill(
        np.array(float(result))) > 0


def test_every_exercise_has_a_cell_in_both_sets_of_notebooks():
    assert set(sources("solutions")) == set(sources("exercises")) >= set(EXERCISES)


def test_the_same_answer_gets_the_same_report():
    for name in ("dense_backward", "fan_in", "score_function", "adam"):
        for answer in (function("solutions", name), lambda *arguments: None, wrong_answers(EXERCISES[name])[0][1]):
            assert str(exercises.check(name, answer)) == str(exercises.check(name, answer))


def test_the_step_that_adam_is_held_against_is_the_optimizer_s():
    from minivae.exercises.sheets.adam import _step

    rng = np.random.default_rng(0)
    w = rng.standard_normal(5)
    ours, m, v, optimizer = w.copy(), np.zeros(5), np.zeros(5), mv.Adam(0.01, 0.8, 0.9, 0.1)
    for t in range(1, 8):
        g = rng.standard_normal(5)
        optimizer.step(w, g)
        ours, m, v = _step(ours, g, m, v, t, 0.01, 0.8, 0.9, 0.1).values()
        np.testing.assert_allclose(ours, w, rtol=1e-12)
