# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What importers refuse; apart from the rest, which needs NumPy, so that `import flowc` does not."""


class Unsupported(ValueError):
    """An object that flowc has no equal of: which, where, and why."""

    def __init__(self, path, kind, reason, done="imported"):
        name = kind if isinstance(kind, str) else type(kind).__name__
        super().__init__(f"`{name}` at `{path or '.'}` cannot be {done}: {reason}")
