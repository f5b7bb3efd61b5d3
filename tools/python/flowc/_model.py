# ===- _model.py - Models --------------------------------------------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
"""A flow with its parameters."""

from __future__ import annotations

import math
import operator
import os

from . import _core
from ._core import FlowError
from ._expression import parse
from ._parameters import Parameters
from ._table import Table, names_of_table
from ._training import Training, columns_of_record, names_of, run, target_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    import numpy
    from numpy.typing import ArrayLike, DTypeLike

    from ._expression import Expression

    Array = numpy.ndarray[Any, Any]
    Pulled = tuple[dict[str, Array], Array, Array | None]


def count(value, name, least=0, most=(1 << 64) - 1):
    """A whole number that C can have."""
    try:
        number = operator.index(value)
    except TypeError:
        raise FlowError(f"'{name}' is {value!r}, expected a whole number") from None
    if not least <= number <= most:
        raise FlowError(f"'{name}' is {number}, expected {least} to {most}")
    return number


def threads_of(value):
    return count(value, "threads", 0, 4096)


def file_name(path):
    name = os.fspath(path)
    name = os.fsdecode(name) if isinstance(name, bytes) else name
    if "\0" in name:
        raise FlowError("the name of a file has a NUL character in it")
    return name


class Model:
    """A flow and its parameters, in one element type.

    Parameters
    ----------
    flow
        An expression, a text of the language, or a :class:`Flow`.
    dtype
        ``float32`` or ``float64``.
    seed
        Of the initial parameters.
    name
        Which item of a text; by default its last ``flow``, else its last ``bijection``.
    threads
        That rows are split over; 0: all processors.

    Events are the last axes of an array, and any axes before them are rows: a flow over 3
    coordinates scores an array of shape ``(..., 3)`` and gives one of shape ``(...)``. C-contiguous
    arrays of the model's element type are read where they are; other types, strides, lists, DLPack
    arrays and tables are converted. Any number of threads may use a model; kernels run without
    the GIL.
    """

    def __init__(
        self,
        flow: str | Expression | _core.Flow,
        *,
        dtype: DTypeLike = "float32",
        seed: int = 0,
        name: str | None = None,
        threads: int = 0,
    ) -> None:
        self._adopt(_core.Model.init(parse(flow, name), dtype, count(seed, "seed"), threads_of(threads)))

    def _adopt(self, core):
        self._core = core
        self._parameters = None
        self._record = None
        self._objectives = {}
        #: How the last training of this object went; None: there was none.
        self.training = None
        return self

    @classmethod
    def _of(cls, core):
        return cls.__new__(cls)._adopt(core)

    # ===- Making and keeping -------------------------------------------------===#

    @classmethod
    def load(cls, path: str | os.PathLike, *, name: str | None = None, threads: int = 0) -> Model:
        """Reads a ``.safetensors`` model file of flowc's."""
        model = cls._of(_core.Model.load(file_name(path), name, threads_of(threads)))
        core = model._core
        core.columns, core.condition_columns = columns_of_record(core.record)
        return model

    @classmethod
    def import_equinox(
        cls,
        flow: str | Expression | _core.Flow,
        path: str | os.PathLike,
        *,
        name: str | None = None,
        threads: int = 0,
    ) -> Model:
        """Reads what ``equinox.tree_serialise_leaves`` wrote of FlowJAX's model of the same flow."""
        return cls._of(_core.Model.import_equinox(parse(flow, name), file_name(path), threads_of(threads)))

    def save(self, path: str | os.PathLike) -> None:
        """Writes a ``.safetensors`` model file, which the ``flowc`` tool reads, too."""
        self._core.save(file_name(path), self.record)

    def copy(self) -> Model:
        """A model of the same flow with parameters of its own."""
        return self.astype(self.dtype)

    __copy__ = copy

    def __deepcopy__(self, memo):
        return self.copy()

    def astype(self, dtype: DTypeLike) -> Model:
        """A copy in another element type."""
        model = type(self)._of(self._core.astype(dtype, self.threads))
        model._core.columns, model._core.condition_columns = self._core.columns, self._core.condition_columns
        return model

    def __reduce__(self):
        state = {name: self.parameters[name] for name in self.parameters}
        columns = (self._core.columns, self._core.condition_columns)
        return _restore, (type(self), self.flow.text, self.flow.name, self.dtype, self.threads, state, columns)

    # ===- What it is ---------------------------------------------------------===#

    @property
    def flow(self) -> _core.Flow:
        """The flow, without parameters."""
        return self._core.flow

    @property
    def dtype(self) -> str:
        """The name of its element type."""
        return self._core.dtype

    @property
    def threads(self) -> int:
        return self._core.threads

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an event."""
        return self._core.flow.shape

    @property
    def cond_shape(self) -> tuple[int, ...] | None:
        """The shape of a condition; None if it takes none."""
        return self._core.flow.cond_shape

    @property
    def parameters(self) -> Parameters:
        """Parameters by name; see :class:`Parameters`."""
        if self._parameters is None:
            self._parameters = Parameters(self._core)
        return self._parameters

    @property
    def num_trainable(self) -> int:
        """How many numbers training changes."""
        return len(self._core.get_trainable())

    @property
    def columns(self) -> list[str] | None:
        """The names of the columns of a table of events, if they have names: tables are read by them."""
        return names_of(self._core.columns)

    @property
    def condition_columns(self) -> list[str] | None:
        return names_of(self._core.condition_columns)

    @property
    def table(self) -> Table | None:
        """What the columns of a table of events are, if numbers of the model are others: those of a
        table with whole numbers, categories, dates or missing values that the model was fitted to."""
        return self._core.columns if isinstance(self._core.columns, Table) else None

    @property
    def condition_table(self) -> Table | None:
        columns = self._core.condition_columns
        return columns if isinstance(columns, Table) else None

    @property
    def record(self) -> str:
        """The record of the training, JSON, as it is kept in model files; empty if there is none."""
        if self._record is not None:
            return self._record
        return self.training.record if self.training else self._core.record

    def __repr__(self):
        return f"{self.flow!r}\n# {self.num_trainable:,} trainable parameters, {self.dtype}"

    # ===- What it computes ---------------------------------------------------===#

    def log_prob(self, x: ArrayLike, condition: ArrayLike | None = None) -> Array:
        """Log-densities of events: shape ``(...)`` for ``x`` of shape ``(..., *shape)``."""
        return self._core.log_prob(x, condition)

    def sample(self, n: int = 1, *, seed: int = 0, first: int = 0, condition: ArrayLike | None = None) -> Array:
        """Draws ``first`` to ``first + n - 1`` of stream ``seed``: the same however they are split
        into calls. Shape ``(n, *shape)``."""
        return self._core.sample(
            count(n, "n", 0, 1 << 48), count(seed, "seed"), count(first, "first"), condition
        )

    def sample_and_log_prob(
        self, n: int = 1, *, seed: int = 0, first: int = 0, condition: ArrayLike | None = None
    ) -> tuple[Array, Array]:
        """The same draws with their log-densities."""
        return self._core.sample_and_log_prob(
            count(n, "n", 0, 1 << 48), count(seed, "seed"), count(first, "first"), condition
        )

    def transform(self, x: ArrayLike, condition: ArrayLike | None = None) -> tuple[Array, Array]:
        """y = T(x), the flow's own bijections, and the log-determinant of their Jacobian."""
        return self._core.transform(x, condition)

    def inverse(self, y: ArrayLike, condition: ArrayLike | None = None) -> tuple[Array, Array]:
        """x with T(x) = y, and the log-determinant of the inverse."""
        return self._core.inverse(y, condition)

    def to_base(self, x: ArrayLike, condition: ArrayLike | None = None) -> Array:
        """The draws of the innermost base distribution that events come from."""
        return self._core.to_base(x, condition)

    def push(self, z: ArrayLike, condition: ArrayLike | None = None) -> tuple[Array, Array]:
        """T(z) of draws z of the base distribution, and their log-densities."""
        return self._core.push(z, condition)

    def score(self, x: ArrayLike, condition: ArrayLike | None = None) -> Array:
        """The derivatives of log-densities by their events."""
        return self._core.score(x, condition)

    def value_and_grad(
        self,
        x: ArrayLike | None = None,
        condition: ArrayLike | None = None,
        *,
        objective: str = "likelihood",
        target: str | _core.Flow | None = None,
        n: int = 100,
        seed: int = 0,
        first: int = 0,
    ) -> tuple[float, dict[str, Array]]:
        """A loss and its gradient by parameters: arrays by name.

        The loss is the mean negative log-likelihood of the rows of x, or any ``objective``: one of
        those of training, such as ``elbo`` or ``renyi:alpha=0.5``, or the text of one. Without x it is that of
        draws ``first`` to ``first + n - 1`` of stream ``seed``. ``target``: a density, for those that need one.
        """
        if objective == "likelihood":
            loss, gradient = self._core.nll_gradient(x, condition)
        else:
            handle = self._objective(objective, target)
            numbers = count(n, "n", 1, 1 << 48), count(seed, "seed"), count(first, "first")
            loss, gradient = handle.value_and_gradient(self._core, x, condition, *numbers)
        return loss, self.parameters.split(gradient)

    def _objective(self, objective, target):
        key = (objective, target)
        if key not in self._objectives:
            density = _core.parse_density(target, None, "<text>") if isinstance(target, str) else target
            self._objectives[key] = _core.Objective.create(
                objective, "=" in objective and "(" in objective, self.flow, self.dtype, self.threads, density
            )
        return self._objectives[key]

    def log_prob_vjp(self, x: ArrayLike, cotangent: ArrayLike, condition: ArrayLike | None = None) -> Pulled:
        """The derivatives of ``sum(cotangent * log_prob(x))`` by parameters (arrays by name), by x and
        by the condition (None if there is none)."""
        parameters, inputs, conditions = self._core.pull_back_log_prob(x, condition, cotangent)
        return self.parameters.split(parameters), inputs, conditions

    def transform_vjp(
        self,
        x: ArrayLike,
        cotangent_y: ArrayLike,
        cotangent_log_det: ArrayLike,
        condition: ArrayLike | None = None,
    ) -> Pulled:
        """The same of ``transform``: of ``sum(cotangent_y * y) + sum(cotangent_log_det * log_det)``."""
        parameters, inputs, conditions = self._core.pull_back_transform(x, condition, cotangent_y, cotangent_log_det)
        return self.parameters.split(parameters), inputs, conditions

    def push_vjp(
        self,
        z: ArrayLike,
        cotangent_y: ArrayLike,
        cotangent_log_prob: ArrayLike,
        condition: ArrayLike | None = None,
    ) -> Pulled:
        """The same of ``push``."""
        parameters, inputs, conditions = self._core.pull_back_push(z, condition, cotangent_y, cotangent_log_prob)
        return self.parameters.split(parameters), inputs, conditions

    # ===- Training ------------------------------------------------------------===#

    def fit(
        self,
        x: ArrayLike,
        condition: ArrayLike | None = None,
        *,
        progress: bool | None = None,
        callback: Callable[[int, float, float], object] | None = None,
        **options: Any,
    ) -> Training:
        """Trains the model on rows, in place: maximum likelihood, as FlowJAX's ``fit_to_data``.

        Parameters
        ----------
        x, condition
            Rows of events and of conditions.
        progress
            Whether a line shows how far it is; by default in terminals and notebooks.
        callback
            Called as ``callback(epoch, train_loss, val_loss)`` after each; what is true ends the training.
        **options
            ``learning_rate``, ``max_epochs``, ``max_patience``, ``batch_size``, ``val_prop``, ``seed``,
            ``objective``, ``objective_text``, ``density``, ``optimizer``, ``schedule``, ``clip_norm``,
            ``average``, ``freeze`` (a list of patterns of names), ``return_best``, ``is_start``,
            ``max_recoveries``, ``checkpoint``, ``checkpoint_seconds``, ``checkpoint_steps``, ``resume``,
            ``threads``, ``use_cache``. None is the default.

        Until it ends, other threads see the model as it was. Ctrl-C ends it, and keeps the best
        parameters so far: ``interrupted`` of the result says so.
        """
        import numpy

        self._check_kind()
        names = names_of_table(x), names_of_table(condition)
        self.training = run(_core.fit_to_data, self._core, (x, condition), options, progress, callback)
        self._core.columns = self._core.columns or names[0]
        self._core.condition_columns = self._core.condition_columns or names[1]
        self._record = self.training.to_record(self._core.columns, self._core.condition_columns, numpy.shape(x)[0])
        return self.training

    def fit_to_target(
        self,
        target: str | _core.Flow | _core.Target | Callable[[Array], tuple[ArrayLike, ArrayLike]],
        *,
        progress: bool | None = None,
        callback: Callable[[int, float, float], object] | None = None,
        **options: Any,
    ) -> Training:
        """Trains the model on its own draws, in place, to approximate a density.

        Parameters
        ----------
        target
            The text of a ``density``, a :class:`Flow` that is one, or a function: of events, an array of
            shape ``(n, dim)`` in float64, it gives ``(log_density, gradient)`` of shapes ``(n,)`` and
            ``(n, dim)``.
        **options
            ``steps``, ``learning_rate``, ``batch_size``, ``val_samples``, ``tolerance``, ``redraw``, ``seed``,
            ``objective``, and those of :meth:`fit` on how steps are made.
        """
        self._check_kind()
        handle = target_of(target, self._dim())
        self.training = run(_core.fit_to_target, self._core, (handle,), options, progress, callback)
        self._record = self.training.to_record(self.columns, self.condition_columns, 0)
        return self.training

    def optimize(
        self,
        objective: str = "elbo",
        *,
        target: str | _core.Flow | None = None,
        callback: Callable[[int, float], object] | None = None,
        **options: Any,
    ) -> Training:
        """Minimises an objective on draws, in place, as NormalizingFlows.jl's ``optimize``.

        ``objective`` and ``target`` are those of :meth:`value_and_grad`, ``options`` those of :meth:`fit` on how
        steps are made, with ``steps``. ``callback(step, loss)`` is called after each; what is true ends it.
        """
        self._check_kind()
        handle = self._objective(objective, target)
        self.training = Training(_core.optimize(self._core, handle, options, callback))
        self._record = self.training.to_record(self.columns, self.condition_columns, 0)
        return self.training

    @classmethod
    def init_towards(
        cls,
        flow: str | Expression | _core.Flow,
        target: str | _core.Flow | _core.Target | Callable[[Array], tuple[ArrayLike, ArrayLike]],
        *,
        dtype: DTypeLike = "float32",
        seed: int = 0,
        name: str | None = None,
        threads: int = 0,
    ) -> Model:
        """A model from which :meth:`fit_to_target` begins well: Markov chains on the target tell
        its scale, and what is nearby."""
        parsed = parse(flow, name)
        handle = target_of(target, math.prod(parsed.shape))
        options = {"seed": count(seed, "seed")}
        return cls._of(_core.init_towards(parsed, dtype, handle, options, threads_of(threads)))

    def _dim(self):
        return math.prod(self.shape)

    def _check_kind(self):
        if self.flow.kind != "flow":
            raise FlowError(f"'{self.flow.name}' is a {self.flow.kind}: only a flow can be trained")


def _restore(cls, text, name, dtype, threads, state, columns):
    model = cls._of(_core.Model.init(_core.parse(text, name, "<pickle>"), dtype, 0, threads))
    model.parameters.update(state)
    model._core.columns, model._core.condition_columns = columns
    return model
