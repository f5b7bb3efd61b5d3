# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Texts of the language as trees, for those who build something else of them.

A value of the language is an expression of Python, too, so that Python's own parser reads it. What is read has been
accepted by flowc: errors are not looked for.
"""

import ast
import io
import tokenize

ITEMS = {"flow", "bijection", "density", "objective", "data"}


def read_items(text):
    """Kind, name, and tree of the value of each item; of an item that is a formula the tree is None."""
    tokens = [t for t in tokenize.generate_tokens(io.StringIO(text).readline)
              if t.type not in (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)]
    depth, starts = 0, []
    for i, token in enumerate(tokens):
        depth += (token.string in "([" and bool(token.string)) - (token.string in ")]" and bool(token.string))
        if depth == 0 and token.string in ITEMS and tokens[i + 1].type == tokenize.NAME:
            starts.append(i)
    for first, last in zip(starts, starts[1:] + [len(tokens)]):
        kind, name, *rest = [t.string for t in tokens[first:last]]
        value = rest[1:] if rest[0] == "=" and kind in ("flow", "bijection") else None
        yield kind, name, value and ast.parse(" ".join(value).strip(), mode="eval").body


def evaluate(tree, names, call):
    """The value of a tree: `names` has those of words, `call(name, values, named)` makes those of calls."""
    if isinstance(tree, ast.Call):
        values = [evaluate(v, names, call) for v in tree.args]
        return call(tree.func.id, values, {k.arg: evaluate(k.value, names, call) for k in tree.keywords})
    if isinstance(tree, ast.List):
        return [evaluate(v, names, call) for v in tree.elts]
    if isinstance(tree, ast.UnaryOp):
        return -evaluate(tree.operand, names, call)
    return names[tree.id] if isinstance(tree, ast.Name) else tree.value
