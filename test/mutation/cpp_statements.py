# ===- cpp_statements.py - Statements of a C++ file -------------------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
#
# Finds the statements of function bodies without understanding C++: what is
# missed is only not mutated, and what is misread does not compile and is dropped
# (mutate.py --drop).
#
# ===-----------------------------------------------------------------------===#

import re
from dataclasses import dataclass

TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<comment>//[^\n]*|/\*.*?\*/)
      | (?P<directive>^\#(?:[^\n\\]|\\.|\\\n)*)
      | (?P<string>R"\((?:.|\n)*?\)"|(?:u8|L)?"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)+')
      | (?P<number>(?:0[xX][0-9a-fA-F']*\.?[0-9a-fA-F]*(?:[pP][+-]?\d+)?|\d[\d']*\.?\d*(?:[eE][+-]?\d+)?|\.\d+)\w*)
      | (?P<word>[A-Za-z_]\w*)
      | (?P<symbol><<=|>>=|<=>|->\*|\.\.\.|::|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|.)""",
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)
OPENING, CLOSING = {"(": ")", "[": "]", "{": "}"}, {")": "(", "]": "[", "}": "{"}
# Words that no statement which is an expression begins with.
OTHER_STATEMENTS = set(
    "if for while do switch case default break continue return else using namespace template static constexpr struct "
    "class enum union goto try catch typedef public private protected friend throw delete static_assert".split()
)


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    begin: int

    @property
    def end(self):
        return self.begin + len(self.text)


@dataclass(frozen=True)
class Statement:
    """Tokens of one statement: `return E;`, `if (E)`, `T x = E;`, `x = E;` or `f();`."""

    kind: str
    tokens: tuple  # all of it, with the semicolon or the closing parenthesis
    expression: tuple  # E


def tokenize(text):
    """All tokens but comments, directives and white space."""
    tokens = []
    for match in TOKEN.finditer(text):
        if match.lastgroup not in ("space", "comment", "directive"):
            tokens.append(Token(match.lastgroup, match.group(), match.start()))
    return tokens


def matching(tokens):
    """The position of the other bracket of each bracket."""
    other, stack = {}, []
    for i, token in enumerate(tokens):
        if token.text in OPENING:
            stack.append(i)
        elif token.text in CLOSING and stack and tokens[stack[-1]].text == CLOSING[token.text]:
            other[i] = stack.pop()
            other[other[i]] = i
    return other


def opens_body(tokens, i):
    """Whether the brace at `i` opens a block of statements."""
    i -= 1
    while i >= 0 and tokens[i].text in ("const", "noexcept", "override", "mutable", "final"):
        i -= 1
    if i < 0:
        return False
    if tokens[i].text in (")", "else", "do"):
        return True
    # The type that a lambda returns: `) -> Type {`.
    for j in range(i, max(i - 12, 0), -1):
        if tokens[j].text == "->":
            return tokens[j - 1].text == ")"
        if tokens[j].text in ";{}=,":
            return False
    return False


def find_end(tokens, begin, other):
    """The position of the semicolon of the statement, or nothing if it holds a brace."""
    i = begin
    while i < len(tokens):
        text = tokens[i].text
        if text == ";":
            return i
        if text in ("{", "}"):
            return None
        if text in ("(", "["):
            if i not in other or any(token.text == "{" for token in tokens[i : other[i]]):
                return None
            i = other[i]
        i += 1
    return None


def at_top(tokens, begin, end, other, texts):
    """The first position of one of `texts` that is in no bracket."""
    i = begin
    while i < end:
        if tokens[i].text in texts:
            return i
        if tokens[i].text in ("(", "["):
            i = other[i]
        i += 1
    return None


def simple_statement(tokens, begin, end, other):
    """`T x = E;`, `x = E;` or `f();`."""
    assigned = at_top(tokens, begin, end, other, ("=", "+=", "-=", "*=", "/=", "|=", "&="))
    if tokens[begin].text in OTHER_STATEMENTS or tokens[begin].kind not in ("word", "symbol"):
        return None
    whole = tuple(tokens[begin : end + 1])
    if assigned is None:
        # Two words in a row are a declaration: `Type x(1);`.
        declares = any(
            tokens[i].kind == "word" and tokens[i + 1].kind == "word" or tokens[i].text in ("&", "*", ">")
            for i in range(begin, end)
            if at_top(tokens, begin, i + 1, other, ("(",)) is None
        )
        return None if declares or tokens[end - 1].text != ")" else Statement("call", whole, whole[:-1])
    if at_top(tokens, assigned, end, other, (",",)) is not None or any(
        token.text in ("static", "constexpr", "[") and i < assigned and token.text != "["
        for i, token in enumerate(tokens[begin:assigned], begin)
    ):
        return None
    expression = tuple(tokens[assigned + 1 : end])
    before = tokens[begin:assigned]
    # An assignment has one name, with members and subscripts, on its left.
    names = [i for i, token in enumerate(before) if token.kind == "word"]
    declares = any(before[i - 1].kind == "word" or before[i - 1].text in ("&", "*", ">") for i in names if i > 0)
    if tokens[begin].text == "auto" or before[-1].text == "]" and before[0].text == "auto":
        declares = True
    return Statement("declaration" if declares else "assignment", whole, expression)


def find_statements(text):
    """All statements of function bodies that can be mutated, in order."""
    tokens = tokenize(text)
    other = matching(tokens)
    inside, statements = [], []  # for each open bracket, whether statements are in it
    for i, token in enumerate(tokens):
        if token.text in OPENING:
            inside.append(token.text == "{" and opens_body(tokens, i))
        elif token.text in CLOSING and inside:
            inside.pop()
        if not inside or not inside[-1]:
            continue
        if token.text == "if" and i + 1 < len(tokens) and tokens[i + 1].text == "(" and i + 1 in other:
            condition = tokens[i + 2 : other[i + 1]]
            if not any(part.text in ("=", ";", "{") for part in condition):
                statements.append(Statement("if", tuple(tokens[i : other[i + 1] + 1]), tuple(condition)))
        previous = tokens[i - 1].text if i else ";"
        heads = previous == ")" and i - 1 in other and tokens[other[i - 1] - 1].text in ("if", "for", "while")
        begins = token.kind == "word" or token.text in ("*", "(", "++", "--")
        if not (previous in (";", "{", "}", "else") or heads) or not begins:
            continue
        end = find_end(tokens, i, other)
        if end is None or end == i:
            continue
        if token.text == "return" and end > i + 1:
            statements.append(Statement("return", tuple(tokens[i : end + 1]), tuple(tokens[i + 1 : end])))
        elif found := simple_statement(tokens, i, end, other):
            statements.append(found)
    return statements
