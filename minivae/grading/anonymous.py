"""A table without names: a pseudonym for each student, and no part of a name of three letters or more in any text."""

import re

from .roster import SUFFIX

__all__ = ["anonymous"]

SHORTEST = 3   # parts of a name with fewer letters stay in the texts


def anonymous(marks, found, names):
    """Return the marks under pseudonyms, sorted by these.

    Parameters
    ----------
    marks : list of Mark
    found : list of Submission
        The names of their files, and the parts of every student's name, are removed from all texts.
    names : dict of str to str
        The pseudonym of each name.
    """
    words = {}
    for one in marks:
        for part in (one.name, *re.findall(r"[^\W_]+", re.sub(r" \(\d+\)$", "", SUFFIX.sub("", one.name)))):
            words.setdefault(part.casefold(), names[one.name])
    for submission in found:
        for file, _ in submission.files:
            stem = file.rpartition("/")[2]
            words.setdefault(file.casefold(), "a file")
            words.setdefault(stem.casefold(), "a file")
    words = {word: text for word, text in words.items() if len(word) >= SHORTEST}
    pattern = re.compile("|".join(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])"
                                  for word in sorted(words, key=len, reverse=True)) or "(?!)", re.IGNORECASE)

    def cleaned(value, key=None):
        if isinstance(value, str) and key not in ("state", "stage"):
            return pattern.sub(lambda match: words[match[0].casefold()], value)
        if isinstance(value, dict):
            return {name: cleaned(part, name) for name, part in value.items()}
        return [cleaned(part) for part in value] if isinstance(value, (list, tuple)) else value

    def hidden(one):
        fields = {field: cleaned(getattr(one.graded, field)) for field in ("trouble", "used", "answers")}
        return one._replace(graded=one.graded._replace(name=names[one.name], **fields), by_hand=cleaned(one.by_hand))

    return sorted(map(hidden, marks), key=lambda one: one.name)
