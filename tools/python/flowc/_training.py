# ===- _training.py - Training ---------------------------------------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
"""How trainings are started, watched and remembered."""

from __future__ import annotations

import json
import math

from . import _core
from ._core import FlowError
from ._progress import Progress
from ._table import Table


class Training:
    """How a training went.

    Attributes
    ----------
    train_losses, val_losses
        Mean losses of each round (an epoch, or some steps on draws).
    best_round
        The round with the lowest validation loss, from 1; 0: none.
    step_losses
        Of trainings on draws: the loss of each step.
    interrupted, converged
        Whether Ctrl-C or a callback ended it, and whether it found no more to improve.
    search
        Of :func:`flowc.fit`: what was tried, the best first, each with its ``name`` and its
        ``log_likelihood`` on rows that were held out.
    """

    def __init__(self, described):
        self.record = described.pop("record")
        self.__dict__.update(described)
        self.search = json.loads(self.record).get("search", []) if self.record else []

    def __repr__(self):
        text = f"{len(self.train_losses)} rounds, best {self.best_round}"
        if self.best_round:
            best = self.best_round - 1
            text += f": train loss {self.train_losses[best]:.6g}, validation loss {self.val_losses[best]:.6g}"
        return text + (", interrupted" if self.interrupted else "") + (", converged" if self.converged else "")

    def to_record(self, columns, condition_columns, rows):
        """What model files keep of it, JSON; columns are names, a `Table` or None."""
        if self.record:
            return self.record
        finite = [
            [loss if math.isfinite(loss) else None for loss in losses.tolist()]
            for losses in (self.train_losses, self.val_losses)
        ]
        record = {
            "columns": names_of(columns) or [],
            "condition_columns": names_of(condition_columns) or [],
            "rows": rows,
            "interrupted": self.interrupted,
            "best_epoch": self.best_round,
            "train_losses": finite[0],
            "val_losses": finite[1],
        }
        for key, value in (("table", columns), ("condition_table", condition_columns)):
            if isinstance(value, Table):
                record[key] = value.schema
        return json.dumps(record)


def names_of(columns):
    """The names of columns that are names or a `Table`."""
    return columns.columns if isinstance(columns, Table) else columns


def columns_of_record(record):
    """What events and conditions are called: names of columns, or a `Table` where numbers of the model are not
    those of its columns; None where nothing is known."""
    if not record:
        return None, None
    read = json.loads(record)
    return tuple(
        Table(record, schema == "condition_table") if schema in read else list(read.get(names) or []) or None
        for names, schema in (("columns", "table"), ("condition_columns", "condition_table"))
    )


def run(train, core, arguments, options, progress, callback):
    """Calls a loop of the extension module with callbacks for its rounds."""
    show = Progress(progress)

    def on_round(number, train_loss, val_loss):
        show.round(number, train_loss, val_loss)
        return bool(callback(number, train_loss, val_loss)) if callback else False

    heard = on_round if callback or show.is_shown else None
    try:
        return Training(train(core, *arguments, options, heard))
    finally:
        show.end()


def target_of(target, dim):
    """A target: a density (a text or a flow), a library, or a function."""
    if isinstance(target, _core.Target):
        return target
    if callable(target):
        return _core.Target.from_function(getattr(target, "__name__", "target"), dim, target)
    density = _core.parse_density(target, None, "<text>") if isinstance(target, str) else target
    if not isinstance(density, _core.Flow):
        raise FlowError(f"{target!r} is no target: expected the text of a density, a flow of one, or a function")
    return _core.Target.from_density(density)
