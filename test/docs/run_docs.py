#!/usr/bin/env python3
# ===- run_docs.py - Executes what the documentation shows -----------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
#
# Runs every fenced code block of a Markdown page, in order and in one scratch
# directory, so that later blocks can use files of earlier ones:
#
#   run_docs.py --source SOURCE --build BUILD PAGE.md
#
# What is done with a block stands behind its language, in words that renderers
# of Markdown ignore:
#
#   sh                      run by bash; has to succeed
#   sh fails                has to exit with code 1
#   sh needs="PROGRAM ..."  left out, with its output, where a program is missing
#   python needs="MODULE ..."  the same for modules of Python
#   text output             what the block before printed. `...` stands for any
#                           text in a line, alone for any lines
#   text output about       the same, but numbers may differ a little (results
#                           of training depend on the CPU's vector length), and
#                           seconds by any factor
#   text, ebnf              only shown
#   flow [file=NAME]        accepted by `flowc check`, and kept under this name
#   flow fails              refused by it
#   mlir                    accepted by flowc-opt; only shown if it holds `...`
#   mlir input pass="..."   given to flowc-opt with these flags; the next block
#   mlir output             is the result, whatever its values are called. The
#                           line `// ...` stands for any lines
#   ANY of=PATH             stands word by word in this file of the source tree
#   cpp run, c run          a program, compiled by CMake (test/unit/Docs.cmake)
#   python                  run in the Python session of the page; has to succeed
#   python fails            has to raise: what it printed ends with the exception
#   ANY keep=NAME           a file of this name, for blocks behind it
#   ANY skip="reason"       not run
#
# Relative links have to lead to files and headings that exist.
#
# ===-----------------------------------------------------------------------===#

import argparse
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

SESSION = pathlib.Path(__file__).resolve().parent / "python_session.py"
TIMEOUT = 300  # seconds for a block
WILDCARD = "..."


class Failure(Exception):
    pass


# In place of the last block, if that needs a program which is not there.
LEFT_OUT = object()


class Block:
    """A fenced code block: its language, words, options and text."""

    def __init__(self, line, info, text):
        self.line, self.text = line, text
        words = shlex.split(info)
        self.language = words[0] if words else ""
        self.words = [word for word in words[1:] if "=" not in word]
        self.options = dict(word.split("=", 1) for word in words[1:] if "=" in word)

    def has(self, word):
        return word in self.words


def read_blocks(page):
    blocks, start, info, lines = [], None, "", []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fence = re.match(r"```(.*)$", line)
        if start is None and fence:
            start, info, lines = number, fence.group(1), []
        elif start is not None and line == "```":
            blocks.append(Block(start, info, "\n".join(lines) + "\n"))
            start = None
        elif start is not None:
            lines.append(line)
    if start is not None:
        raise Failure(f"line {start}: the block is never closed")
    return blocks


# ===-----------------------------------------------------------------------===#
# Comparing text
# ===-----------------------------------------------------------------------===#

NUMBER = r"[-+]?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?"


def line_matches(expected, actual, about):
    """Whether a line is what was expected."""
    pattern = ""
    numbers = []
    for part in re.split(rf"({re.escape(WILDCARD)}|{NUMBER}(?: s\b)?)", expected.rstrip()):
        if part == WILDCARD:
            pattern += ".*?"
        elif about and re.fullmatch(rf"{NUMBER} s", part):
            pattern += f"{NUMBER} s"
        elif about and re.fullmatch(NUMBER, part):
            pattern += f"({NUMBER})"
            numbers.append(part)
        else:
            pattern += re.escape(part)
    match = re.fullmatch(pattern, actual.rstrip())
    if not match:
        return False
    return all(is_about(want, got) for want, got in zip(numbers, match.groups()))


def is_about(expected, actual):
    """Whether numbers differ by 15 %, or little: a count by 1, a loss by half of its unit. A few epochs of training
    make as much of roundings, which are those of the processor."""
    want, got = (float(text.replace(",", "")) for text in (expected, actual))
    slack = 1 if re.fullmatch(r"[-+]?[\d,]+", expected) else 0.5
    return abs(want - got) <= max(0.15 * abs(want), slack)


def text_matches(expected, actual, about=False):
    """Whether the lines match, where WILDCARD stands for any number of them."""
    expected, actual = expected.rstrip().split("\n"), actual.rstrip().split("\n")
    # reachable: how many lines of `actual` the expected lines so far may cover.
    reachable = {0}
    for line in expected:
        if line.strip() == WILDCARD:
            reachable = set(range(min(reachable), len(actual) + 1)) if reachable else set()
        else:
            reachable = {
                at + 1 for at in reachable if at < len(actual) and line_matches(line, actual[at], about)
            }
    return len(actual) in reachable


# ===-----------------------------------------------------------------------===#
# Comparing IR
# ===-----------------------------------------------------------------------===#

VALUE = re.compile(r"%[\w$.-]+")


def ir_lines(text):
    """Lines without comments, blanks and the enclosing module."""
    lines = []
    for line in text.splitlines():
        line = re.sub(r"\s+", " ", line).strip()
        if line != "// " + WILDCARD:
            line = re.sub(r"\s*//.*$", "", line)
        if line:
            lines.append(line)
    if lines and lines[0] == "module {" and lines[-1] == "}":
        lines = lines[1:-1]
    return lines


class IRMatcher:
    """Compares IR with IR that has `// ...` for lines left out.

    Values are unified as they occur; regions have scopes, since flowc's ops are
    isolated and their bodies number values anew."""

    def __init__(self, expected, actual):
        self.expected, self.actual = ir_lines(expected), ir_lines(actual)
        self.deepest = 0

    def matches(self):
        return self.match(0, 0, [{}])

    def match(self, e, a, scopes):
        self.deepest = max(self.deepest, e)
        if e == len(self.expected):
            return a == len(self.actual)
        if self.expected[e] == "// " + WILDCARD:
            # Scopes follow the lines left out, too.
            while True:
                if self.match(e + 1, a, [dict(scope) for scope in scopes]):
                    return True
                if a == len(self.actual):
                    return False
                self.follow(self.actual[a], scopes)
                a += 1
        if a == len(self.actual):
            return False
        if not self.unify(self.expected[e], self.actual[a], scopes):
            return False
        self.follow(self.actual[a], scopes)
        return self.match(e + 1, a + 1, scopes)

    @staticmethod
    def follow(line, scopes):
        if line.startswith("}") and len(scopes) > 1:
            scopes.pop()
        if line.endswith("{"):
            scopes.append(dict(scopes[-1]))

    @staticmethod
    def unify(expected, actual, scopes):
        pattern = VALUE.sub("%", expected)
        wanted, got = VALUE.findall(expected), VALUE.findall(actual)
        shape = ".*".join(re.escape(part) for part in pattern.split(WILDCARD))
        if not re.fullmatch(shape, VALUE.sub("%", actual)):
            return False
        if WILDCARD in expected:  # only values before the first one and behind the last one can be paired
            before = len(VALUE.findall(expected.split(WILDCARD)[0]))
            behind = len(VALUE.findall(expected.split(WILDCARD)[-1]))
            wanted = wanted[:before] + wanted[len(wanted) - behind :]
            got = got[:before] + got[len(got) - behind :]
        # A new function or block starts with definitions; `a, b = ` defines.
        definitions = len(VALUE.findall(expected.split(" = ")[0])) if " = " in expected else 0
        if expected.startswith(("func.func", "^")):
            definitions = len(wanted)
        scope = scopes[-1]
        for index, (want, name) in reversed(list(enumerate(zip(wanted, got)))):
            if index < definitions:
                scope[want] = name
            elif scope.setdefault(want, name) != name:
                return False
        return True


# ===-----------------------------------------------------------------------===#
# Running blocks
# ===-----------------------------------------------------------------------===#


class Runner:
    def __init__(self, page, source, build, scratch, python=None):
        self.page, self.source, self.build = page, source, build
        self.scratch = pathlib.Path(scratch)
        # The last block that was run, and the text that it gave.
        self.last, self.output = None, None
        self.python, self.session = python, None
        self.missing_modules = {}
        (self.scratch / "test").symlink_to(source / "test")
        self.environment = dict(
            os.environ,
            PATH=f"{build / 'bin'}{os.pathsep}{os.environ['PATH']}",
            XDG_CACHE_HOME=str(build / "test" / "cache"),
            HOME=str(scratch),
            LC_ALL="C.UTF-8",
            PYTHONPATH=str(build / "python"),
        )

    def close(self):
        """Ends the Python session."""
        if self.session:
            self.session.stdin.close()
            self.session.wait()

    def call(self, command, stdin=None):
        done = subprocess.run(
            command,
            cwd=self.scratch,
            env=self.environment,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT,
        )
        return done.returncode, done.stdout

    def expect_code(self, block, code, output):
        wanted = 1 if block.has("fails") else 0
        if code != wanted:
            raise Failure(f"exit code {code}, expected {wanted}; it printed:\n{output}")

    def run_sh(self, block):
        code, self.output = self.call(["bash", "-euo", "pipefail", "-c", block.text])
        self.expect_code(block, code, self.output)

    def run_flow(self, block):
        name = block.options.get("file", "example.flow")
        (self.scratch / name).write_text(block.text, encoding="utf-8")
        code, self.output = self.call(["flowc", "check", name])
        self.expect_code(block, code, self.output)

    def run_text(self, block):
        if block.has("output"):
            if self.last is LEFT_OUT or (self.last and self.last.language == "python" and not self.python):
                return
            if self.output is None:
                raise Failure("no block before it printed anything")
            if not text_matches(block.text, self.output, block.has("about")):
                raise Failure(f"expected\n{block.text}\nbut the block in line {self.last.line} printed\n{self.output}")

    def opt(self, text, flags=()):
        code, output = self.call(["flowc-opt", *flags], stdin=text)
        if code:
            raise Failure(f"flowc-opt {' '.join(flags)} fails:\n{output}")
        return output

    def run_mlir(self, block):
        if block.has("output"):
            self.check_ir(block)
            return
        if WILDCARD in block.text:
            return
        self.output = self.opt(block.text, shlex.split(block.options.get("pass", "")))

    def check_ir(self, block):
        if not (self.last and self.last is not LEFT_OUT and self.last.has("input")) or self.output is None:
            raise Failure("the block before it is no `mlir input`, or failed")
        elided = "// " + WILDCARD in block.text
        expected = block.text if elided else self.opt(block.text)
        matcher = IRMatcher(expected, self.output)
        if not matcher.matches():
            where = ""
            if elided and matcher.deepest < len(matcher.expected):
                where = f" (from this line on:\n  {matcher.expected[matcher.deepest]}\n)"
            raise Failure(f"the result differs{where}; flowc-opt gives\n{self.output}")

    def run_program(self, block):
        if not block.has("run"):
            raise Failure(f"a program is `{block.language} run` or `{block.language} skip=...`")
        program = self.build / "test" / "docs" / program_name(self.page, block)
        if not program.exists():
            raise Failure(f"{program} has not been built")
        code, self.output = self.call([str(program)])
        self.expect_code(block, code, self.output)

    def is_missing(self, block, name):
        """Whether there is no such program, or no such module for a block of Python."""
        if block.language != "python":
            return shutil.which(name) is None
        if self.python and name not in self.missing_modules:
            self.missing_modules[name] = self.call([self.python, "-c", f"import {name}"])[0] != 0
        return self.python is None or self.missing_modules[name]

    def run_python(self, block):
        if not self.python:
            self.output = None
            return
        if not self.session:
            self.session = subprocess.Popen(
                [self.python, str(SESSION)],
                cwd=self.scratch,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        self.session.stdin.write(json.dumps(block.text) + "\n")
        self.session.stdin.flush()
        line = self.session.stdout.readline()
        if not line:
            raise Failure(f"the Python session ended with exit code {self.session.wait()}")
        code, self.output = json.loads(line)
        self.expect_code(block, code, self.output)

    def check_excerpt(self, block):
        file = self.source / block.options["of"]
        if not file.exists():
            raise Failure(f"there is no file {block.options['of']}")
        if block.text not in file.read_text(encoding="utf-8"):
            raise Failure(f"{block.options['of']} does not hold\n{block.text}")

    def run(self, block):
        if block.has("skip"):
            raise Failure("a block that is skipped needs a reason: skip=\"reason\"")
        if "skip" in block.options:
            return "skipped"
        if "of" in block.options:
            self.check_excerpt(block)
            return "excerpt"
        if "keep" in block.options:
            (self.scratch / block.options["keep"]).write_text(block.text, encoding="utf-8")
            return "kept"
        if any(self.is_missing(block, name) for name in block.options.get("needs", "").split()):
            self.last = LEFT_OUT
            return "left out"
        runners = {
            "sh": self.run_sh,
            "flow": self.run_flow,
            "text": self.run_text,
            "ebnf": lambda block: None,
            "mlir": self.run_mlir,
            "cpp": self.run_program,
            "c": self.run_program,
            "python": self.run_python,
        }
        if block.language not in runners:
            raise Failure(f"blocks of '{block.language}' cannot be run: mark it with skip=\"reason\"")
        answers = block.has("output")
        if not answers:
            unanswered = self.last and self.last is not LEFT_OUT and self.last.has("input")
            self.last, self.output = block, None
            if unanswered:
                raise Failure("the output of the last `mlir input` has to come before this block")
        try:
            runners[block.language](block)
        finally:
            if answers and block.language == "mlir":
                self.last = None
        return block.language


# ===-----------------------------------------------------------------------===#
# C and C++
# ===-----------------------------------------------------------------------===#


def is_program(block):
    return block.language in ("c", "cpp") and block.has("run")


def program_name(page, block):
    """The name of a program: of its page and its place among the programs."""
    programs = [other.line for other in read_blocks(page) if is_program(other)]
    return f"docs-{page.stem}-{programs.index(block.line) + 1}"


def extract_programs(page, directory):
    """Writes the programs of a page, for CMake; prints the names of their files."""
    directory.mkdir(parents=True, exist_ok=True)
    for block in read_blocks(page):
        if is_program(block):
            target = directory / f"{program_name(page, block)}.{block.language}"
            if not target.exists() or target.read_text(encoding="utf-8") != block.text:
                target.write_text(block.text, encoding="utf-8")
            print(target.name)


# ===-----------------------------------------------------------------------===#
# Links
# ===-----------------------------------------------------------------------===#


def anchors(page):
    """What GitHub makes of the headings of a page."""
    result, fenced = set(), False
    for line in page.read_text(encoding="utf-8").splitlines():
        fenced ^= line.startswith("```")
        if not fenced and (match := re.match(r"#+ +(.*)", line)):
            text = re.sub(r"[^\w\- ]", "", match.group(1).lower())
            result.add(text.replace(" ", "-"))
    return result


def check_links(page):
    text = re.sub(r"(?ms)^```.*?^```$", "", page.read_text(encoding="utf-8"))
    problems = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path) if path else page
        if not file.exists():
            problems.append(f"the link to '{target}' leads nowhere")
        elif anchor and file.suffix == ".md" and anchor not in anchors(file):
            problems.append(f"'{file.name}' has no heading '#{anchor}'")
    return problems


# ===-----------------------------------------------------------------------===#
# Main
# ===-----------------------------------------------------------------------===#


def run_page(page, source, build, python=None):
    problems = [f"{page.name}: {problem}" for problem in check_links(page)]
    counts = {}
    try:
        blocks = read_blocks(page)
    except Failure as failure:
        return problems + [f"{page.name}: {failure}"]
    with tempfile.TemporaryDirectory(prefix="flowc-docs-") as scratch:
        runner = Runner(page, source, build, scratch, python)
        for block in blocks:
            try:
                kind = runner.run(block)
                counts[kind] = counts.get(kind, 0) + 1
            except Failure as failure:
                problems.append(f"{page.name}:{block.line}: {failure}")
            except subprocess.TimeoutExpired:
                problems.append(f"{page.name}:{block.line}: not done after {TIMEOUT} s")
        runner.close()
    summary = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    print(f"{page.name}: blocks that hold: {summary or 'none'}")
    return problems


def main():
    parser = argparse.ArgumentParser(description="Executes the code blocks of Markdown pages.")
    parser.add_argument("pages", nargs="+", type=pathlib.Path)
    parser.add_argument("--source", type=pathlib.Path, help="the source tree")
    parser.add_argument("--build", type=pathlib.Path, help="the build tree")
    parser.add_argument("--python", help="an interpreter for blocks of Python; without it they are left out")
    parser.add_argument("--extract", type=pathlib.Path, metavar="DIR", help="only write the programs there")
    arguments = parser.parse_args()
    problems = []
    for page in arguments.pages:
        if arguments.extract:
            extract_programs(page, arguments.extract)
        else:
            problems += run_page(page, arguments.source.resolve(), arguments.build.resolve(), arguments.python)
    for problem in problems:
        print(f"\nerror: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
