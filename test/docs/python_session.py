#!/usr/bin/env python3
# ===- python_session.py - Runs blocks of Python in one session -----------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
#
# Reads one block of code a line, as a JSON text, and answers with [exit code, what it
# printed], JSON in one line. Names live as long as the session; of an exception the last
# line is printed.

import contextlib
import io
import json
import sys
import traceback

# (Not the standard streams: code may use those.)
answers = sys.stdout
session = {"__name__": "__main__"}
for line in sys.stdin:
    printed, code = io.StringIO(), 0
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            exec(compile(json.loads(line), "<block>", "exec"), session)
        except Exception as error:
            code = 1
            print("".join(traceback.format_exception_only(error)), end="")
    print(json.dumps([code, printed.getvalue()]), file=answers, flush=True)
