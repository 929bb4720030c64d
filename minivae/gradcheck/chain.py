"""The chain of a model's symbols, read backward from the loss, and the report that draws it.

A wrong gradient spoils every gradient that is computed from it. So the place to look is a tensor that is wrong
although all that it is made from is right. The topology itself is the model's own: its ``chain``.
"""

import textwrap

from .report import MARKS, Report
from .words import Diagnosis

__all__ = ["Chain", "ModelReport"]

WIDTH = 110   # of the longest line of marks
VERDICT_MARKS = {"pass": "✓", "fail": "✗", "inconclusive": "?"}


class Chain:
    """Which symbols and parameters of one model each symbol is made from, and which symbols use each of them.

    Parameters
    ----------
    sources : dict of str to tuple of str
        What each symbol is made from, in the order of the forward pass, the loss last; what is no key is a parameter.

    Attributes
    ----------
    parameters : list of str
    users : dict of str to list of str
        The symbols on the way to the loss that use each one: those whose gradients its own is made from.
    order : list of str
        Everything that has a gradient, from the loss backward: a parameter follows the last symbol that it enters.
    """

    def __init__(self, sources):
        self.sources = {symbol: tuple(made) for symbol, made in sources.items()}
        self.parameters = list(dict.fromkeys(name for made in self.sources.values() for name in made
                                             if name not in self.sources))
        self.symbols = [symbol for symbol, made in self.sources.items() if made]  # data and noise have no gradient
        users = {name: [s for s, made in self.sources.items() if name in made]
                 for name in [*self.symbols, *self.parameters]}
        leading = set(self.symbols[-1:])  # to the loss
        for symbol in reversed(self.symbols):
            leading |= {symbol} if leading & set(users[symbol]) else set()
        self.leading = leading
        self.users = {name: [user for user in found if user in leading] for name, found in users.items()}
        self.order = []
        for symbol in reversed(self.symbols):
            self.order.append(symbol)
            waiting = [p for p in self.parameters if p not in self.order]
            self.order += [p for p in waiting if set(self.users[p]) <= set(self.order)]

    def first_wrong(self, wrong):
        """Return those of the wrong that are made from right ones alone, the nearest to the loss first."""
        return [name for name in self.order if name in wrong and not set(self.users[name]) & set(wrong)]

    def rows(self):
        """Return the picture's rows, from the loss down: symbols side by side, and the parameters beside them.

        A symbol stands below all that use it. Symbols made from the same, as mu and log_var, stand side by side, and
        one that leads nowhere, as the elbo, stands one row above what it is made from.
        """
        level = {self.symbols[-1]: 0}
        for symbol in reversed(self.symbols[:-1]):
            alike = [s for s in self.symbols if self.sources[s] == self.sources[symbol] and s in self.leading]
            users = [level[user] for s in alike for user in self.users[s]]
            if symbol in self.leading:
                level[symbol] = 1 + max(users)
        for symbol in self.symbols:
            if symbol not in level:
                level[symbol] = min(level[s] for s in self.sources[symbol] if s in level) - 1
        rows = []
        for place in range(1 + max(level.values())):
            row = sorted((s for s in self.symbols if level[s] == place), key=lambda s: s not in self.leading)
            rows.append((row, [p for p in self.parameters if set(self.users[p]) <= set(row)]))
        return rows


class ModelReport(Report):
    """The outcome of ``check_model``.

    Parameters
    ----------
    pairs : dict of str to Report
        First rung: the kernels.
    nodes, parameters : list of Comparison
        Second and third rung.
    chain : Chain, optional
    first_wrong : list of str, optional
        The wrong tensors that nothing nearer to the loss explains.
    diagnoses : list of Diagnosis, optional
        What is wrong with them.
    wrong : collection of str, optional
        Names of tensors that are wrong beside those whose state says so.
    **more
        As for ``Report``.

    Attributes
    ----------
    first_wrong : str or None
        Where to look first: walking back from the loss, the first wrong tensor. What is wrong with a kernel in the same
        way is not said once more.
    """

    def __init__(self, pairs, nodes, parameters, chain=None, first_wrong=(), diagnoses=(), wrong=(), **more):
        self.pairs, self.nodes, self.parameters = pairs, nodes, parameters
        self.chain, self.all_first = chain, list(first_wrong)
        self.wrong = {*wrong, *(t.name for t in nodes + parameters if t.state == "differ")}
        said = {_mistake(one) for one in diagnoses if one.known}
        in_kernels = [Diagnosis("stated", (name,), text) for name, report in pairs.items()
                      for text in [fault.text for fault in report.faults]
                      + [str(one) for one in report.diagnoses if _mistake(one) not in said]]
        diagnoses = [one._replace(text=one.text + "".join(
            f" (so has the kernel {name} by itself)" for name, report in pairs.items()
            if _mistake(one) in map(_mistake, report.diagnoses))) for one in diagnoses]
        tensors = nodes + parameters
        if chain:
            tensors.sort(key=lambda t: chain.order.index(t.name))   # from the loss back, as in the picture
        super().__init__(tensors, diagnoses=[*in_kernels, *diagnoses],
                         title="gradient check of the model", **more)
        others = len(self.wrong.difference(self.all_first))
        if self.all_first and others:
            more = "tensors are" if others > 1 else "tensor is"
            self.notes.insert(0, f"{others} more {more} wrong, perhaps only because of the above")

    @property
    def verdict(self):
        verdicts = {super().verdict} | {report.verdict for report in self.pairs.values()}
        return next(word for word in ("fail", "inconclusive", "pass") if word in verdicts)

    @property
    def first_wrong(self):
        return self.all_first[0] if self.all_first else None

    @property
    def shown(self):
        """The first wrong tensors; or, if the place is not known, all that the picture does not call right."""
        first = [t for t in self.tensors if t.name in self.all_first and t.state == "differ"]
        return first or [t for t in self.tensors if t.state not in ("agree", "empty")]

    @property
    def worst(self):
        for t in self.tensors:
            if t.name == self.first_wrong:
                return t.worst
        return super().worst

    def picture(self):
        """Return the picture: a row for each step back from the loss, a mark at each arrow."""
        if self.chain is None:
            return ""
        marks = {t.name: MARKS["differ" if t.name in self.wrong else t.state] for t in self.tensors}
        lines = []
        for row, parameters in self.chain.rows():
            left = "   ".join(f"{'↓ ' if row != ['loss'] else ''}{marks.get(s, '·')} {s}" for s in row)
            right = "   ".join(f"{marks.get(p, '·')} {p}" for p in parameters)
            here = f"   ← look at {self.first_wrong} first" if self.first_wrong in [*row, *parameters] else ""
            lines.append(f"  {left:34}{'→ ' + right if right else ''}{here}".rstrip())
        return "\n".join(lines)

    def kernels(self):
        """Return the first rung in a line, or in two if it is long."""
        marks = "   ".join(f"{VERDICT_MARKS[report.verdict]}\N{NO-BREAK SPACE}{name}"
                           for name, report in self.pairs.items())
        return "\n".join(textwrap.wrap(marks, WIDTH, initial_indent="  ", subsequent_indent="  ")).replace(
            "\N{NO-BREAK SPACE}", " ")

    @property
    def pictures(self):
        return [(title, text) for title, text in (("Kernels", self.kernels()), ("From the loss back", self.picture()))
                if text]


def _mistake(diagnosis):
    """What a diagnosis says, whichever tensor it is about."""
    return diagnosis.kind, diagnosis.factor.names if diagnosis.factor and diagnosis.factor.names else diagnosis.text
