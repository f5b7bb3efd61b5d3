# ===- torch.py - Flows as modules of PyTorch ------------------------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
"""A model as a ``torch.nn.Module``, whose parameters PyTorch's optimisers train::

    flow = flowc.torch.Flow(model)
    optimizer = torch.optim.Adam(flow.parameters())
    loss = -flow.log_prob(x).mean()
    loss.backward()
    optimizer.step()
    flow.to_model().save("model.safetensors")

Tensors are those of the CPU. Contiguous ones of the model's element type are read where they are, results are not copied.
Derivatives are those in reverse, once: by parameters, by rows and by conditions. ``torch`` has to be installed.
"""

from __future__ import annotations

import math

import numpy
import torch
from torch.autograd.function import once_differentiable

from . import _core
from ._core import FlowError
from ._functional import (
    At,
    Signature,
    batch_of,
    check_condition,
    condition_rows,
    pull_back,
    result_shapes,
    shapes_of,
    vectors_of,
)
from ._model import count

__all__ = ["Flow"]


def _numpy(tensor):
    """The memory of a tensor."""
    return tensor.detach().contiguous().numpy()


def _runner(functional):
    def run(kernel, at, *more):
        shapes = shapes_of(functional.widths(kernel), at.rows, len(at.trainable))
        arrays = [_numpy(array) for array in at.arrays(*more)]
        results = functional.run(kernel, _numpy(at.trainable), at.frozen, *at.stream, arrays, shapes)
        return tuple(torch.from_numpy(result) for result in results)

    return run


class _Compute(torch.autograd.Function):
    """A function of a flow, of rows with two axes: see :mod:`flowc._functional`."""

    @staticmethod
    def forward(ctx, run, function, at, trainable, x, condition):
        results = run(function, at._replace(trainable=trainable, x=x, condition=condition))
        ctx.call = run, function, at
        ctx.save_for_backward(trainable, x, condition, *results)
        return results

    @staticmethod
    @once_differentiable
    def backward(ctx, *cotangents):
        run, function, at = ctx.call
        trainable, x, condition, *results = ctx.saved_tensors
        at = at._replace(trainable=trainable, x=x, condition=condition)
        pulled = pull_back(torch, run, function, at, results, cotangents, ctx.needs_input_grad[3:])
        return None, None, None, *pulled


class Flow(torch.nn.Module):
    """A module with the trainable parameters of a :class:`flowc.Model`, under their names without the dots.

    It has copies of them: the model stays as it is, and :meth:`to_model` makes one of what has been
    trained. Calling the module is :meth:`log_prob`. What is not finite among the parameters makes results NaN.
    """

    def __init__(self, model):
        super().__init__()
        self._model = model.copy()
        self._frozen = vectors_of(model)[1]
        own = model.parameters
        #: The names that parameters have in the model, by those that they have in the module.
        self.names = {_key(name): name for name in own.trainable()}
        for key, name in self.names.items():
            self.register_parameter(key, torch.nn.Parameter(torch.from_numpy(own[name].copy())))

    def to_model(self):
        """A model with the parameters of the module."""
        model = self._model.copy()
        model.parameters.update({name: _numpy(self.get_parameter(key)) for key, name in self.names.items()})
        return model

    @property
    def dtype(self):
        """The element type."""
        return torch.float32 if self._model.dtype == "float32" else torch.float64

    def extra_repr(self):
        return repr(self._model.flow)

    def forward(self, x, condition=None):
        return self.log_prob(x, condition)

    # ===- What it computes ---------------------------------------------------===#

    def log_prob(self, x, condition=None):
        """Log-densities of events: shape ``(...)`` for ``x`` of shape ``(..., *shape)``. A condition has as many
        rows as ``x``, or one for all."""
        return self._of_rows("log_prob", x, "x", condition)[0]

    def transform(self, x, condition=None):
        """``(y, log_det)``: y = T(x) of the flow's own bijections, and the log-determinant of their Jacobian."""
        return self._of_rows("transform", x, "x", condition)

    def inverse(self, y, condition=None):
        """``(x, log_det)`` with T(x) = y. A derivative solves with the Jacobian of T, which is made of a
        pull-back for each coordinate."""
        return self._of_rows("inverse", y, "y", condition)

    def push(self, z, condition=None):
        """``(y, log_prob)``: y = T(z) of draws z of the base distribution, and their log-densities."""
        return self._of_rows("push", z, "z", condition)

    def sample(self, n=1, *, seed=None, first=0, condition=None):
        """``n`` draws, which can be differentiated by parameters and conditions: those that ``first`` ... of stream
        ``seed`` are for a :class:`flowc.Model`. Without a seed PyTorch draws one."""
        return self._of_draws("sample", n, seed, first, condition)[0]

    def sample_and_log_prob(self, n=1, *, seed=None, first=0, condition=None):
        """``(x, log_prob)``: the same draws with their log-densities."""
        return self._of_draws("sample_and_log_prob", n, seed, first, condition)

    def _of_rows(self, function, x, name, condition):
        x = self._tensor(x, name)
        event = self._model.shape
        batch = batch_of(x.shape, event, name)
        rows = math.prod(batch)
        results = self._call(function, rows, (0, 0), x.reshape(rows, math.prod(event)), condition)
        return self._shaped(function, results, batch)

    def _of_draws(self, function, n, seed, first, condition):
        n = count(n, "n", 0, 1 << 48)
        seed = int(torch.randint(2**63 - 1, ())) if seed is None else count(seed, "seed")
        results = self._call(function, n, (seed, count(first, "first")), None, condition)
        return self._shaped(function, results, (n,))

    def _call(self, function, rows, stream, x, condition):
        functional = _core.Functional.of(self._model._core)
        parts = [getattr(self, key).reshape(-1) for key in self.names]
        trainable = torch.cat([self._tensor(part, "a parameter") for part in parts] or [torch.empty(0, dtype=self.dtype)])
        at = At(None, self._frozen, stream, rows)
        return _Compute.apply(_runner(functional), function, at, trainable, x, self._conditions(condition, rows))

    def _shaped(self, function, results, batch):
        shapes = result_shapes(function, batch, self._model.shape)
        return tuple(result.reshape(shape) for result, shape in zip(results, shapes, strict=True))

    def _conditions(self, condition, rows):
        """A condition for each row."""
        signature = Signature.of(self._model)
        check_condition(signature, condition)
        if condition is None:
            return None
        condition = self._tensor(condition, "condition")
        size = math.prod(signature.cond_shape)
        return condition.reshape(condition_rows(signature, condition, rows), size).expand(rows, size)

    def _tensor(self, value, name):
        tensor = torch.as_tensor(value)
        if tensor.device.type != "cpu":
            raise FlowError(f"'{name}' is a tensor of {tensor.device}, expected one of the CPU: .cpu() makes it")
        return tensor.to(self.dtype)


def _key(name):
    """The name of a parameter as PyTorch allows it."""
    return name.lstrip(".").replace(".", "_")
