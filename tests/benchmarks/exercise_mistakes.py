"""How many of the catalogue's mistakes the exercises catch, and name: python tests/benchmarks/exercise_mistakes.py

Every mistake is handed in to every exercise that it shows in. "By the numbers" is what the gradient checker says
without the catalogue; "by name" what the student reads with it. The time is the processor's, of a check in this
process: of the right answer, and the mean of the wrong ones. Writes results/exercise_mistakes.md.
"""

import pathlib
import sys
import time
from unittest import mock

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent)]

from exercises.notebooks import function, with_mistake   # noqa: E402
from exercises.test_grading_of_answers import changes_anything, planted_in   # noqa: E402
from minivae import exercises   # noqa: E402
from minivae.exercises.catalogue import HINT, MISTAKES   # noqa: E402
from minivae.exercises.collection import EXERCISES   # noqa: E402
from minivae.exercises.judges import naming   # noqa: E402


def handed_in(exercise):
    """Yield every mistake that shows in an exercise, and the reports on it: with the catalogue, without; the time."""
    for mistake in MISTAKES:
        targets = {target for target, _, _ in mistake.changes}
        if targets == {f"solutions:{exercise.name}"}:
            yield mistake, *reports(exercise.name, with_mistake(mistake, exercise.name))
        elif targets & set(exercise.built_from):
            try:
                if changes_anything(exercise, mistake):
                    yield mistake, *reports(exercise.name, planted_in(exercise, mistake))
            except Exception:   # it does not even run in this exercise's shapes: no answer that anybody hands in
                continue


def reports(name, answer):
    with mock.patch.object(naming, "_relevant", lambda exercise: []):
        alone = exercises.check(name, answer)
    began = time.process_time()
    return exercises.check(name, answer), alone, time.process_time() - began


def time_of_right(name):
    """The processor's time for checking the solution, once it has been checked before."""
    return [reports(name, function("solutions", name))[2] for _ in range(2)][1]


def named(mistake, report):
    """Whether the student reads a name: this mistake's, another's with the same numbers, or what is expected."""
    expected = mistake.diagnosis or mistake.name
    return expected != HINT and bool(report.mistake
                                     or expected.replace("factor B", "= B").lower() in str(report).lower())


def by_numbers(report):
    """Whether a report without the catalogue says what is wrong, from the numbers or the behaviour alone."""
    return bool(report.diagnosis)


def main():
    rows, total, whole = [], [0, 0, 0, 0], [0, 0]
    for name, exercise in EXERCISES.items():
        found = list(handed_in(exercise))
        failed = [row for row in found if row[1].verdict == "fail"]
        counts = [len(found), len(failed), sum(by_numbers(alone) for _, _, alone, _ in failed),
                  sum(named(mistake, report) for mistake, report, *_ in failed)]
        for mistake, report, *_ in found:
            if report.verdict != "fail" or not named(mistake, report):
                print(f"  {mistake.name}: {report}", file=sys.stderr)
        total = [a + b for a, b in zip(total, counts)]
        times = 1e3 * time_of_right(name), 1e3 * sum(row[3] for row in found) / len(found)
        whole = [a + b for a, b in zip(whole, times)]
        rows.append(f"| {name} | " + " | ".join(map(str, counts)) + " | {:.0f} | {:.0f} |".format(*times))
        print(rows[-1], flush=True)
    text = "\n".join([
        "# Wrong answers to the exercises", "",
        f"`python tests/benchmarks/exercise_mistakes.py`. {len(MISTAKES)} mistakes, each handed "
        "in to every exercise in which it shows.", "",
        f"**Caught: {total[1]} of {total[0]}. Named: {total[3]} ({100 * total[3] / total[0]:.1f} %). Numbers and "
        f"behaviour alone, without the catalogue, say something in {total[2]}.**", "",
        f"One right answer to each exercise takes {whole[0] / 1e3:.2f} s of the processor, one wrong answer to each "
        f"{whole[1] / 1e3:.2f} s.", "",
        "| exercise | wrong answers | caught | by the numbers | by name | right, ms | wrong, ms |",
        "|---|---|---|---|---|---|---|", *rows, ""])
    (HERE / "results" / "exercise_mistakes.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
