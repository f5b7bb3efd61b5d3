#!/usr/bin/env python3
# ===- format_test.py - The layout of all texts of flows -------------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
#
# Formats every text of the documentation and of the tests, as it is and with other blanks:
#
#   format_test.py SOURCE FLOWC
#
# Nothing but blanks changes, and the second time nothing does.
#
# ===-----------------------------------------------------------------------===#

import pathlib
import random
import re
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True  # the source tree stays clean
import run_docs

source, flowc = pathlib.Path(sys.argv[1]), sys.argv[2]
# Comments, strings, words, numbers, signs of two characters and of one.
TOKEN = r'#[^\n]*|"[^"\n]*"|\w+|[<>=!]=|\S'


def find_texts():
    """Names and texts that are right."""
    texts = {}
    for page in [source / "README.md", *sorted(source.glob("docs/*.md"))]:
        for block in run_docs.read_blocks(page):
            if block.language == "flow" and not block.has("fails"):
                texts[f"{page.stem}{block.line}"] = block.text
    for path in sorted(source.glob("test/**/*.flow")):
        texts["_".join(path.relative_to(source).with_suffix("").parts)] = path.read_text(encoding="utf-8")
    return texts


def tokens_of(text):
    return [token.rstrip() for token in re.findall(TOKEN, text)]


def with_other_blanks(text, random_source):
    """The same tokens between blanks and line ends of all kinds."""
    result, last = "", 0
    for match in re.finditer(TOKEN, text):
        gap = text[last : match.start()]
        if gap and not match[0].startswith("#"):
            gap = random_source.choice([" ", "   ", "\t", "\n", "\n\n\n", " \r\n "])
        result += gap + match[0]
        if match[0].startswith("#"):
            result += "\n"
        last = match.end()
    return result + "\n"


class FormatTest(unittest.TestCase):
    def check(self, texts):
        self.assertGreater(len(texts), 100)
        with tempfile.TemporaryDirectory() as folder:
            paths = {name: pathlib.Path(folder, f"{name}.flow") for name in texts}
            for name, path in paths.items():
                path.write_text(texts[name], encoding="utf-8", newline="")
            run = subprocess.run([flowc, "format", *paths.values()], capture_output=True, text=True)
            self.assertEqual(run.stderr, "")
            for name, path in paths.items():
                formatted = path.read_text(encoding="utf-8")
                with self.subTest(name):
                    self.assertEqual(tokens_of(formatted), tokens_of(texts[name]))
                    self.assertNotRegex(formatted, r"[ \t\r]\n|\n\n\n|\A\n|\n\n\Z|[^\n]\Z")
            run = subprocess.run([flowc, "format", "--check", *paths.values()], capture_output=True, text=True)
            self.assertEqual((run.returncode, run.stdout, run.stderr), (0, "", ""))

    def test_texts_as_they_are(self):
        self.check(find_texts())

    def test_texts_with_other_blanks(self):
        random_source = random.Random(1)
        self.check({name: with_other_blanks(text, random_source) for name, text in find_texts().items()})

    def test_the_checks_of_this_test(self):
        self.assertNotEqual(tokens_of("a b"), tokens_of("ab"))
        self.assertEqual(tokens_of("f( a )# x \n"), tokens_of("f(a)  # x\n"))
        text = "flow f = normal(0, # zero\n  1)\n"
        self.assertEqual(tokens_of(with_other_blanks(text, random.Random(2))), tokens_of(text))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
