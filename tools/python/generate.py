#!/usr/bin/env python3
# ===- generate.py - Constructors of the language as functions -------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
#
#   generate.py FOLDER OUTPUT
#
# Writes flowc/_constructors.py: a function for each constructor of the language, with its
# arguments, defaults and documentation, as the table in flowc._core (of FOLDER) has them.

import importlib.util
import keyword
import pathlib
import re
import sys
import textwrap

HEADER = '''"""The constructors of the language of flows, made from flowc's own table of them."""

from __future__ import annotations

from ._expression import Expression, call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._expression import Value

'''


def load_core(folder):
    """The extension module alone: the package needs what is written here."""
    (file,) = pathlib.Path(folder).glob("_core.*.so")
    spec = importlib.util.spec_from_file_location("flowc._core", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def python_name(name):
    return name + "_" if keyword.iskeyword(name) else name


def python_default(text):
    """A default of the language in Python."""
    words = {"none": "None", "true": "True", "false": "False", "[]": "()"}
    if text in words:
        return words[text]
    return repr(text) if re.fullmatch(r"[A-Za-z_]\w*", text) else text


def signature(arguments):
    """FlowJAX's arguments; one without a default behind one with a default can only be named."""
    parts, has_default = [], False
    for name, default in arguments:
        if default is None and has_default and "*" not in parts:
            parts.append("*")
        has_default |= default is not None
        parts.append(python_name(name) + ": Value" + (f" = {python_default(default)}" if default is not None else ""))
    return ", ".join(parts)


def function(name, documentation, arguments):
    written = ", ".join(f"({argument!r}, {python_name(argument)}, {default!r})" for argument, default in arguments)
    text = textwrap.fill(documentation, 96, initial_indent='    """', subsequent_indent="    ")
    return (
        f"def {python_name(name)}({signature(arguments)}) -> Expression:\n"
        f'{text}"""\n'
        f"    return call({name!r}, [{written}])\n"
    )


def main():
    folder, output = sys.argv[1:]
    constructors = load_core(folder).describe_constructors()
    names = sorted(python_name(name) for name, _, _ in constructors)
    parts = [HEADER + "__all__ = [\n" + "".join(f"    {name!r},\n" for name in names) + "]\n"]
    parts += [function(*constructor) for constructor in constructors]
    parts.append("for _name in __all__:\n    globals()[_name].is_constructor = True\n")
    pathlib.Path(output).write_text("\n\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
