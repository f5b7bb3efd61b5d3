#!/usr/bin/env python3
# ===- mutate.py - A copy of flowc with switchable mistakes -----------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
#
# Writes a copy of a source tree in which mistakes ("mutants") can be switched on one
# at a time: with FLOWC_MUTANT=17 the programs of the copy do what mutant 17 says, else
# what the original says. One build serves all of them.
#
#   mutate.py SOURCE COPY [--count N] [--seed S] [--known FILE] [--only REGEX]
#   mutate.py SOURCE COPY --drop BUILD.log     without those that do not compile
#
# Mutants come from a list of mistakes that once went unnoticed (known.txt), and from
# the statements of all libraries and tools: one token of an expression is another, a
# condition always or never holds, a call is left out. COPY/mutants.json lists them.
# Only files that change are written, so that a second build is short.
#
# ===-----------------------------------------------------------------------===#

import argparse
import json
import pathlib
import random
import re
import sys
from dataclasses import asdict, dataclass

from cpp_statements import find_statements, tokenize

HEADER = """// The choice of a mutant, for copies that test/mutation/mutate.py wrote.
#ifndef FLOWC_MUTANT_H
#define FLOWC_MUTANT_H
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <unistd.h>
#include <utility>
namespace flowc {
inline int numberIn(const char *variable, int otherwise) {
  const char *text = std::getenv(variable);
  return text ? std::atoi(text) : otherwise;
}
/// The number in FLOWC_MUTANT, 0 without one.
inline int chosenMutant() {
  static const int chosen = numberIn("FLOWC_MUTANT", 0);
  return chosen;
}
/// The mutant whose cached objects are used: another one in FLOWC_MUTANT_OBJECTS if objects cannot differ.
inline int mutantOfObjects() { return numberIn("FLOWC_MUTANT_OBJECTS", chosenMutant()); }
/// Notes mutants that a program has come past in the file FLOWC_MUTANT_TRACE, test by test.
struct MutantTrace {
  const char *path = std::getenv("FLOWC_MUTANT_TRACE");
  bool reached[@COUNT@ + 1] = {};
  ~MutantTrace() { write(""); }
  void write(const std::string &test) {
    std::string text;
    for (int i = 0; path && i <= @COUNT@; ++i)
      if (std::exchange(reached[i], false))
        text += std::to_string(i) + "\\n";
    text += test.empty() ? "" : "@ " + test + "\\n";
    int fd = path ? ::open(path, O_WRONLY | O_CREAT | O_APPEND, 0644) : -1;
    if (fd >= 0 && ::write(fd, text.data(), text.size()) >= 0)
      ::close(fd);
  }
};
inline MutantTrace &mutantTrace() {
  static MutantTrace trace;
  // The tool leaves without destructors.
  [[maybe_unused]] static const int registered = std::at_quick_exit([] { mutantTrace().write(""); });
  return trace;
}
/// clang emits what only clones of a function for several processors use if something else does.
[[gnu::used]] static MutantTrace &(*const usedByClones)() = mutantTrace;
inline bool isMutant(int number) {
  MutantTrace &trace = mutantTrace();
  if (trace.path)
    trace.reached[number] = true;
  return chosenMutant() == number;
}
} // namespace flowc
#endif
"""
SWAPS = {
    "+": "-", "-": "+", "*": "/", "/": "*", "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==",
    "&&": "||", "||": "&&", "true": "false", "false": "true", "min": "max", "max": "min", "front": "back",
    "back": "front", "OLT": "OLE", "OLE": "OLT", "OGT": "OGE", "OGE": "OGT", "AddFOp": "SubFOp", "SubFOp": "AddFOp",
    "MulFOp": "DivFOp", "DivFOp": "MulFOp", "any_of": "all_of", "all_of": "any_of", "first": "second",
}  # fmt: skip
COMPARISONS = ("<", "<=", ">", ">=")
# What a mutant there would break is the measurement, or only words.
EXCLUDED = re.compile(r"lib/PCH|tools/flowc/(Plot|Canvas|Figure|LinePanel|Contours|Axes|FmaPeak|Bench)")
# What all copies have another way, what a release leaves out, and what is only faster.
UNTOUCHED = re.compile(r"kMagic|^assert\(|\breserve\(")


@dataclass
class Mutant:
    number: int
    area: str
    file: str
    line: int  # of its first line, and
    last: int  # its last one, in the file of the copy
    kind: str
    before: str
    after: str


@dataclass
class Edit:
    """Text to put in place of [begin, end) of a file; `%d` is the number of the mutant."""

    begin: int
    end: int
    text: str
    kind: str
    before: str
    after: str


def files_of(source, *folders):
    """Files of a source tree, without what builds and git make of it."""
    found = []
    for folder in folders or [""]:
        for path in (source / folder).rglob("*"):
            name = path.relative_to(source).as_posix()
            if path.is_file() and not re.match(r"build|\.git/|(.*/)?__pycache__/", name):
                found.append(name)
    return sorted(found)


def area_of(path):
    """`lib/Dialect/Flow/IR/X.cpp` is of the area Dialect/Flow/IR."""
    parts = pathlib.PurePosixPath(path).parts
    return "/".join(parts[1:-1]) if parts[0] == "lib" else "/".join(parts[:-1])


def one_line(text):
    return re.sub(r"\s+", " ", re.sub(r"//[^\n]*", "", text)).strip()


def other_number(text):
    """A number that is near, or nothing for digits that are no such number."""
    if re.fullmatch(r"\d+", text):
        return str(int(text) + 1)
    if re.fullmatch(r"0\.0*", text):
        return f"({text} + 1)"
    return f"({text} * 1.01)" if re.fullmatch(r"\d+\.\d*(e[+-]?\d+)?|0x[\da-fA-F.]+p[+-]?\d+", text) else None


def other_token(text, tokens, i):
    """What token `i` becomes, if it is one that can be mistaken."""
    token = tokens[i]
    spaced = text[token.begin - 1] == " " and text[token.end : token.end + 1] in (" ", "\n")
    if token.kind == "number":
        return other_number(token.text)
    if token.text == "!" and i + 1 < len(tokens) and tokens[i + 1].kind == "word":
        return ""
    if token.kind == "symbol" and not (spaced and i > 0 and (tokens[i - 1].kind in ("word", "number") or tokens[i - 1].text in ")]")):
        return None
    # Texts are put together, never taken apart.
    if token.text == "+" and "string" in {other.kind for other in tokens[max(0, i - 1) : i + 2]}:
        return None
    if token.text in ("first", "second") and (i == 0 or tokens[i - 1].text not in (".", "->")):
        return None
    return SWAPS.get(token.text)


def edits_of_tokens(text, statement):
    """One edit for each token of the expression that can be mistaken."""
    begin, end = statement.tokens[0].begin, statement.tokens[-1].end
    whole = text[begin:end]
    for i, token in enumerate(statement.expression):
        after = other_token(text, statement.expression, i)
        if after is None:
            continue
        mutated = one_line(text[begin : token.begin] + after + text[token.end : end])
        if statement.kind in ("return", "assignment", "call"):
            new = "{ if (::flowc::isMutant(%d)) " + mutated + " else " + whole + " }"
            if statement.kind == "return":
                new = "{ if (::flowc::isMutant(%d)) " + mutated + " " + whole + " }"
        else:
            first, last = statement.expression[0].begin, statement.expression[-1].end
            inner = one_line(text[first : token.begin] + after + text[token.end : last])
            truth = "bool" if statement.kind == "if" else ""  # What is tested need not be one.
            new = text[begin:first] + f"::flowc::isMutant(%d) ? {truth}({inner}) : {truth}({text[first:last]})" + text[last:end]
        yield Edit(begin, end, new, "token", one_line(whole), mutated)


def edits_of(text, statement):
    yield from edits_of_tokens(text, statement)
    begin, end = statement.tokens[0].begin, statement.tokens[-1].end
    whole = text[begin:end]
    if statement.kind == "call":
        yield Edit(begin, end, "{ if (!::flowc::isMutant(%d)) " + whole + " }", "left out", one_line(whole), "")
    if statement.kind == "if":
        first, last = statement.expression[0].begin, statement.expression[-1].end
        inner = text[first:last]
        for kind, new in (("never", "!::flowc::isMutant(%d) && "), ("always", "::flowc::isMutant(%d) || ")):
            yield Edit(begin, end, text[begin:first] + new + "bool(" + inner + ")" + text[last:end], kind, one_line(whole), kind)


# What every copy needs: objects of one mutant are not those of another, lit passes the
# variables, and test programs say what each test comes past.
NEEDED = {
    "lib/ExecutionEngine/ObjectCache.cpp": ("  add(kMagic);\n", "  add(kMagic); add(std::to_string(mutantOfObjects()));\n"),
    "test/lit.cfg.py": ("import os\n", "import os\n"),
    "cmake/modules/AddFlowc.cmake": (
        "${ARG_LINK} GTest::gtest_main)\n",
        "${ARG_LINK} GTest::gtest_main MutantListener)\n"
        "  if(NOT TARGET MutantListener)\n"
        "    add_library(MutantListener OBJECT ${PROJECT_SOURCE_DIR}/test/mutation/Listener.cpp)\n"
        "    target_link_libraries(MutantListener PRIVATE GTest::gtest)\n"
        "  endif()\n",
    ),
}
LIT_PASSES = """
for name in os.environ:
    if name.startswith("FLOWC_MUTANT"):
        config.environment[name] = os.environ[name]
"""


def text_of(source, file):
    """A file with what every copy needs."""
    text = (source / file).read_text()
    if file not in NEEDED:
        return text
    old, new = NEEDED[file]
    if old not in text:
        raise ValueError(f"{file}: the place for what every copy needs is gone: {old}")
    return text.replace(old, new, 1) + (LIT_PASSES if file == "test/lit.cfg.py" else "")


def read_known(path):
    """Blocks of `@@ FILE: what it breaks`, `- ` the old text, `+ ` the new one (see known.txt)."""
    blocks = []
    for line in path.read_text().splitlines():
        if line.startswith("@@ "):
            file, _, what = line[3:].partition(": ")
            blocks.append({"file": file, "what": what, "-": [], "+": []})
        elif line[:2] in ("- ", "+ "):
            blocks[-1][line[0]].append(line[2:])
    return blocks


def edit_of_known(block, text):
    """The edit of a block of known.txt, whose old text has to stand in the file just once."""
    old, new = "\n".join(block["-"]), "\n".join(block["+"])
    before, _, rest = old.partition("{{") if "{{" in old else ("", "", old + "}}")
    inner, _, behind = rest.partition("}}")
    spaced = [r"\s+".join(re.escape(word) for word in part.split()) for part in (before, inner, behind)]
    found = list(re.finditer(r"%s\s*(%s)\s*%s" % tuple(spaced), text))
    if len(found) != 1:
        return None
    begin, end = found[0].span(1)
    original = found[0].group(1)
    if "%d" in new:
        edited = new
    elif inner.rstrip().endswith(";"):
        edited = "{ if (::flowc::isMutant(%d)) { " + new + " } else { " + original + " } }"
        if original.startswith("return"):
            edited = "{ if (::flowc::isMutant(%d)) { " + new + " } " + original + " }"
    else:
        edited = "(::flowc::isMutant(%d) ? (" + new + ") : (" + original + "))"
    return Edit(begin, end, edited, "known", block["what"], one_line(new))


def overlaps(edit, others):
    return any(edit.begin < other.end and other.begin < edit.end for other in others)


def some_of_each_area(files, known, most, seed):
    """At most so many files of each area: those of known mistakes, then any."""
    by_area = {}
    for file in files:
        by_area.setdefault(area_of(file), []).append(file)
    generator = random.Random(seed)
    wanted = {block["file"] for block in known}
    result = []
    for _, own in sorted(by_area.items()):
        generator.shuffle(own)
        result += sorted(own, key=lambda file: file not in wanted)[: max(most, len(wanted & set(own)))]
    return sorted(result)


def choose(source, files, count, seed, known):
    """Edits of each file: all known ones, then as many others, the same share of every file."""
    chosen, pool = {file: [] for file in files}, []
    for block in known:
        text = text_of(source, block["file"])
        edit = edit_of_known(block, text)
        if not edit:
            print(f"known.txt: not once in {block['file']}: {' '.join(block['-'])}", file=sys.stderr)
            continue
        chosen.setdefault(block["file"], []).append(edit)
    generator = random.Random(seed)
    for file in files:
        text = text_of(source, file)
        candidates = [list(edits_of(text, statement)) for statement in find_statements(text)]
        candidates = [edits for edits in candidates if edits and not UNTOUCHED.search(edits[0].before)]
        generator.shuffle(candidates)
        # Long files get more, and every file gets some.
        for rank, edits in enumerate(candidates):
            pool.append(((rank + generator.random()) / max(1, len(candidates)) ** 0.5, file, generator.choice(edits)))
    left = count - sum(len(edits) for edits in chosen.values())
    for _, file, edit in sorted(pool, key=lambda entry: entry[:2]):
        if left > 0 and not overlaps(edit, chosen[file]):
            chosen[file].append(edit)
            left -= 1
    return chosen


def apply(text, edits, number_of):
    """The text of the copy, and where each edit is in it. No line moves but those of longer edits."""
    pieces, at, places = [], 0, []
    for edit in sorted(edits, key=lambda edit: edit.begin):
        pieces.append(text[at : edit.begin])
        line = "".join(pieces).count("\n") + 1
        new = edit.text.replace("%d", str(number_of(edit)))
        pieces.append(new)
        places.append((edit, line, line + new.count("\n")))
        at = edit.end
    return "".join(pieces) + text[at:], places


def with_header(text):
    """The header in the place of the first line, which is a comment."""
    first, _, rest = text.partition("\n")
    if not first.startswith("//"):
        raise ValueError("the first line is no comment: " + first)
    return '#include "flowc/Mutant.h"\n' + rest


def write_if_changed(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_bytes() != content:
        path.write_bytes(content)


def dropped_by(log, mutants):
    """Numbers of mutants on lines that a compiler complains about. What follows the first
    error of syntax in a file is its consequence."""
    numbers, lost = set(), set()
    for match in re.finditer(r"(?:^|/)((?:lib|tools)/[^\s:]+\.cpp):(\d+):\d+: error: (.*)", log, re.MULTILINE):
        line = int(match.group(2))
        if match.group(1) in lost:
            continue
        if match.group(3).startswith("expected"):
            lost.add(match.group(1))
        numbers |= {m["number"] for m in mutants if m["file"] == match.group(1) and m["line"] <= line <= m["last"]}
    return numbers


def identity(edit):
    return edit.kind, edit.begin, edit.text


def write_copy(source, copy, chosen, skipped):
    numbers, mutants = {}, []
    for file in sorted(chosen):
        for edit in sorted(chosen[file], key=lambda edit: edit.begin):
            numbers[file, identity(edit)] = len(numbers) + 1
    for file in files_of(source):
        content = (source / file).read_bytes()
        edits = [edit for edit in chosen.get(file, []) if numbers[file, identity(edit)] not in skipped]
        if edits or file in NEEDED:
            text, places = apply(text_of(source, file), edits, lambda edit: numbers[file, identity(edit)])
            mutants += [
                Mutant(numbers[file, identity(edit)], area_of(file), file, line, last, edit.kind, edit.before, edit.after)
                for edit, line, last in places
            ]
            content = (with_header(text) if file.endswith(".cpp") else text).encode()
        write_if_changed(copy / file, content)
        (copy / file).chmod((source / file).stat().st_mode)
    write_if_changed(copy / "include/flowc/Mutant.h", HEADER.replace("@COUNT@", str(len(numbers))).encode())
    return mutants


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("copy", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--files", type=int, default=1000, help="of each area at most: fewer compile sooner")
    parser.add_argument("--known", type=pathlib.Path, default=pathlib.Path(__file__).parent / "known.txt")
    parser.add_argument("--only", default="", help="files whose path has this expression")
    parser.add_argument("--drop", type=pathlib.Path, help="the log of a build of the copy")
    arguments = parser.parse_args()
    files = [
        file
        for file in files_of(arguments.source, "lib", "tools")
        if file.endswith(".cpp") and re.search(arguments.only, file) and not EXCLUDED.search(file)
    ]
    known = [block for block in read_known(arguments.known) if re.search(arguments.only, block["file"])]
    files = some_of_each_area(files, known, arguments.files, arguments.seed)
    chosen = choose(arguments.source, files, arguments.count, arguments.seed, known)
    record = arguments.copy / "mutants.json"
    skipped = set()
    if arguments.drop:
        old = json.loads(record.read_text())
        skipped = set(old["dropped"]) | dropped_by(arguments.drop.read_text(errors="replace"), old["mutants"])
    mutants = write_copy(arguments.source, arguments.copy, chosen, skipped)
    contents = {"dropped": sorted(skipped), "mutants": [asdict(mutant) for mutant in mutants]}
    write_if_changed(record, json.dumps(contents, indent=1).encode())
    print(f"{len(mutants)} mutants in {len({mutant.file for mutant in mutants})} files, {len(skipped)} dropped")


if __name__ == "__main__":
    main()
