# ===- _progress.py - One line that says how far it is ---------------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
"""Progress in terminals and notebooks."""

from __future__ import annotations

import sys
import time


class Progress:
    """A line that is written over. By default it is shown where somebody looks: in a terminal
    or a notebook."""

    def __init__(self, is_shown=None):
        in_notebook = "ipykernel" in sys.modules
        # (Notebooks have what goes to the error stream in red.)
        self._stream = sys.stdout if in_notebook else sys.stderr
        if is_shown is None:
            is_shown = in_notebook or bool(getattr(self._stream, "isatty", bool)())
        self.is_shown = is_shown and self._stream is not None
        self._next = 0.0
        self._line = self._width = 0

    def round(self, number, train_loss, val_loss):
        self.say(f"{number} rounds: train loss {train_loss:.6g}, validation loss {val_loss:.6g}")

    def share(self, what, share):
        self.say(f"{round(100 * share):3d} % {what}")

    def say(self, line):
        self._line = line
        now = time.monotonic()
        if self.is_shown and now >= self._next:
            self._next = now + 0.1
            self._write()

    def _write(self):
        self._stream.write("\r" + self._line.ljust(self._width))
        self._stream.flush()
        self._width = len(self._line)

    def end(self):
        if self.is_shown and self._line:
            self._write()
            self._stream.write("\n")
