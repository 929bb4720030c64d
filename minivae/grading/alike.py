"""Finding answers of different students that are nearly the same code, for a teacher to look at.

An answer is compared as a set of pieces: runs of a few neighbouring nodes of its syntax tree, without local names,
comments, docstrings and layout. A piece has the weight log((n + 1) / k) if k of the n students who answered the
exercise have it. So what everybody writes, such as code given in the notebook, weighs almost nothing. Two answers are
nearly the same if the pieces that they share have at least the fraction ALIKE of the weight of all their pieces.
"""

import ast
import collections
import itertools
import math
import zlib

__all__ = ["alike", "pieces_of"]

RUN = 4        # neighbouring nodes in a piece
SHORTEST = 30  # answers with fewer pieces are not compared: they are often alike by chance
ALIKE = 0.75
USUAL = 4      # code that so many students share, and more than a quarter of the class, is the usual answer


def pieces_of(tree):
    """Return the pieces of a function's syntax tree as sorted numbers; none if it is short, or if there is no tree."""
    if tree is None:
        return []
    local = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    local |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    nodes = []

    def visit(node):
        name = getattr(node, "id", getattr(node, "attr", ""))
        value = repr(node.value) if isinstance(node, ast.Constant) else ""
        nodes.append(f"{type(node).__name__} {'' if name in local else name} {value}")
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, (ast.expr_context, ast.arg, ast.arguments)):
                visit(child)

    try:
        for statement in tree.body[1:] if ast.get_docstring(tree, clean=False) is not None else tree.body:
            visit(statement)
    except RecursionError:
        return []
    found = {zlib.crc32("\n".join(nodes[k:k + RUN]).encode("utf-8", "replace")) for k in range(len(nodes) - RUN + 1)}
    return sorted(found) if len(found) >= SHORTEST else []


def alike(answers):
    """Find students with nearly the same answer to an exercise.

    Parameters
    ----------
    answers : dict of str to collection of int
        The pieces of each student's answer. Students without any are left out.

    Returns
    -------
    groups : list of list of str
        Names.
    usual : int
        How many students have the usual answer; they are in no group.
    """
    same = collections.defaultdict(list)
    for name, pieces in answers.items():
        if pieces:
            same[frozenset(pieces)].append(name)
    students = sum(map(len, same.values()))
    common = collections.Counter()
    for pieces, names in same.items():
        common.update(dict.fromkeys(pieces, len(names)))
    weight = {piece: math.log((students + 1) / count) for piece, count in common.items()}
    group = {pieces: names for pieces, names in same.items()}
    for a, b in itertools.combinations(same, 2):
        if group[a] is not group[b] and len(a & b) >= len(a | b) / 2:
            shared, both = (sum(weight[piece] for piece in found) for found in (a & b, a | b))
            if shared >= ALIKE * both:
                joined, lost = group[a] + group[b], group[b]
                group = {pieces: joined if names is lost or names is group[a] else names
                         for pieces, names in group.items()}
    found = {id(names): names for names in group.values() if len(names) > 1}.values()
    usual = [names for names in found if len(names) >= USUAL and len(names) > students / 4]
    return [sorted(names) for names in found if names not in usual], sum(map(len, usual))
