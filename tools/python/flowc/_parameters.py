# ===- _parameters.py - Parameters of a model as a mapping -----------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
"""Parameters by name."""

from __future__ import annotations

from collections.abc import MutableMapping
from difflib import get_close_matches


class Parameters(MutableMapping):
    """The parameters of a model by name, those of its file: arrays that are read as copies, and
    written by assignment.

    Arrays have the element type of the model, permutations ``int64``. What is not finite, or
    no permutation, is refused. :meth:`update` writes all or none, as a permutation and its inverse
    have to be written. Parameters cannot be deleted.
    """

    def __init__(self, core):
        self._core = core
        self._infos = {name: (i, shape, *flags) for i, (name, shape, *flags) in enumerate(core.describe_parameters())}

    def _find(self, name):
        if name in self._infos:
            return self._infos[name]
        near = get_close_matches(str(name), self._infos, 1)
        raise KeyError(f"there is no parameter {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))

    def __getitem__(self, name):
        i, shape, _, is_integer = self._find(name)
        values = self._core.get_parameter(i, shape)
        if is_integer:
            values = values.astype("int64")
        # (Writing to a copy would be lost.)
        values.flags.writeable = False
        return values

    def __setitem__(self, name, values):
        self.update({name: values})

    def __delitem__(self, name):
        raise TypeError("the parameters of a flow cannot be deleted")

    def __iter__(self):
        return iter(self._infos)

    def __len__(self):
        return len(self._infos)

    def __repr__(self):
        lines = [f"  {name}: {list(shape)}" for name, (_, shape, *_) in self._infos.items()]
        return "\n".join([f"{len(self)} parameters", *lines])

    def update(self, *others, **names):
        """Writes several parameters at once, all or none."""
        given = dict(*others, **names)
        entries = []
        for name, values in given.items():
            i, shape, _, _ = self._find(name)
            entries.append((i, name, shape, values))
        self._core.set_parameters(entries)

    def shape(self, name):
        """The shape of a parameter."""
        return self._find(name)[1]

    def is_trainable(self, name):
        """Whether training changes a parameter."""
        return self._find(name)[2]

    def trainable(self):
        """The names of those that training changes, in the order of gradients."""
        return [name for name in self if self.is_trainable(name)]

    def split(self, vector):
        """A vector of all trainable numbers, such as a gradient, as arrays by name."""
        parts, start = {}, 0
        for name in self.trainable():
            shape = self.shape(name)
            size = 1
            for length in shape:
                size *= length
            parts[name] = vector[start : start + size].reshape(shape)
            start += size
        return parts
