# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Scalar bijections whose numbers a network gives, as other libraries define them.

flowc adds what the network gives to the numbers that it starts a transformer with. Where another library means
something else by its numbers, either a formula says what, or flowc's are linear in them.
"""

from dataclasses import dataclass

import numpy as np

from .parts import Part, call, invert, scaled


@dataclass(frozen=True)
class Transformer:
    """`part` is the bijection, `matrix` @ u + `offset` what flowc adds to its numbers for the numbers u."""

    part: Part
    matrix: np.ndarray
    offset: np.ndarray

    def numbers(self, outputs, count):
        """What a network gives for flowc, if it gives `outputs` for the other library: `count` coordinates after each
        other."""
        eye = np.eye(count)
        matrix = np.kron(eye, self.matrix)
        return outputs.then(matrix, np.tile(self.offset, count), matrix != 0)

    def inverted(self):
        return Transformer(invert(self.part), self.matrix, self.offset)

    def fixed(self, numbers):
        """The bijection of a vector of coordinates whose numbers (one row each) no network gives."""
        numbers = np.asarray(numbers)
        rows = numbers @ self.matrix.T + self.offset
        leaves, at = {}, 0
        for name, first in self.part.starts.items():
            first = np.asarray(first, float)
            leaves[name] = rows[:, at:at + first.size].reshape(len(rows), *first.shape) + first
            at += first.size
        return call("vmap", bijection=Part(self.part.text, leaves, self.part.items), axis_size=len(rows), in_axes=0)


def formula(name, expression, *numbers):
    """A bijection of x by a formula, whose numbers are the network's, in the order of `numbers`."""
    arguments = ", ".join(f"{n} = 0" for n in numbers)
    item = f"bijection {name}(x; {arguments}) = {expression}"
    part = Part(f"{name}()", {}, (item,), {f".{n}": 0.0 for n in numbers})
    return Transformer(part, np.eye(len(numbers)), np.zeros(len(numbers)))


def shift():
    """x + u."""
    return Transformer(Part("loc(0)", {}, (), {".loc": 0.0}), np.eye(1), np.zeros(1))


def spline(bins, bound, min_derivative, min_width, divisor=1.0):
    """nflows' rational quadratic spline with linear tails: softmax of `bins` widths over `divisor`, of as many heights,
    and the slopes at inner knots; the slopes at the ends are 1. Its least width is a part of the interval."""
    part = call("rational_quadratic_spline", knots=bins - 1, interval=bound, min_derivative=min_derivative,
                min_width=2 * bound * min_width)
    rest = scaled(1.0, min_derivative)
    starts = {".x_pos.arr": np.zeros(bins), ".y_pos.arr": np.zeros(bins),
              ".derivatives.args[0]": np.full(bins + 1, rest)}
    matrix = np.zeros((3 * bins + 1, 3 * bins - 1))
    matrix[:2 * bins, :2 * bins] = np.eye(2 * bins) / divisor
    matrix[2 * bins + 1:-1, 2 * bins:] = np.eye(bins - 1)
    offset = np.zeros(3 * bins + 1)
    offset[2 * bins + 1:-1] = -rest
    return Transformer(Part(part.text, {}, (), starts), matrix, offset)
