"""Every mistake in the catalogue makes a check fail, and without it all checks pass."""

import warnings

import pytest
from checks import GRADIENT_CHECKS, MEANING_CHECKS

from minivae.exercises.catalogue import BUGS, planted
from strategies import in_turn

by_name = pytest.mark.parametrize("mistake", BUGS, ids=lambda mistake: mistake.name)


def fails(check):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check()
    except (AssertionError, ValueError):  # a wrong value, or a wrong shape
        return True
    return False


@pytest.mark.parametrize("check", GRADIENT_CHECKS + MEANING_CHECKS)
def test_correct_code_passes_every_check(check):
    check()


@by_name
def test_a_mistake_fails(mistake):
    with planted(mistake):
        assert any(map(fails, GRADIENT_CHECKS if mistake.seen_by == "gradients" else MEANING_CHECKS))


@by_name
def test_planting_leaves_nothing_behind(mistake):
    with planted(mistake):
        pass
    assert not fails(GRADIENT_CHECKS[0])


@pytest.mark.parametrize("mistake, part", in_turn([m for m in BUGS if m.seen_by == "meaning"], range(4)))
def test_a_gradient_check_cannot_see_a_wrong_forward(mistake, part):
    with planted(mistake):
        assert not any(map(fails, GRADIENT_CHECKS[part::4]))


def test_names_are_distinct():
    assert len({mistake.name for mistake in BUGS}) == len(BUGS)
