# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Flows that other libraries have trained, as models of flowc, and back.

Every importer makes a text of the language and arrays by name of a live object; a model is made of those in one
place. The libraries are imported when they are needed: none of them is a dependency of flowc.
"""

from importlib import import_module

from .errors import Unsupported


def _error(refusal):
    from .. import FlowError

    return FlowError(str(refusal))


def _model(text, parameters, threads):
    """The model of a text with these parameters, in their element type."""
    from .. import Model

    wide = any(array.dtype == "float64" for array in parameters.values())
    model = Model(text, dtype="float64" if wide else "float32", threads=threads)
    missing = [name for name in model.parameters if name not in parameters]
    if missing:
        raise AssertionError(f"a defect of flowc: the importer has no numbers for {missing[0]!r}")
    model.parameters.update(parameters)
    return model


def _importer(library, what):
    def build(source, *, threads=0):
        module = import_module(f".from_{library}", __package__)
        try:
            text, parameters = getattr(module, f"import_{library}")(source)
        except Unsupported as refusal:
            raise _error(refusal) from None
        return _model(text, parameters, threads)

    build.__name__ = build.__qualname__ = f"from_{library}"
    build.__doc__ = f"""The model of {what}: structure and parameters, in its element type.

    What flowc has no equal of is refused with a :class:`FlowError` that says which object it is and where. The table
    of what is covered is in docs/Importing.md.
    """
    return build


from_flowjax = _importer("flowjax", "a distribution or a bijection of FlowJAX")
from_zuko = _importer("zuko", "a flow of zuko")
from_nflows = _importer("nflows", "a flow or a transform of nflows")
from_normflows = _importer("normflows", "a flow of normflows")


def to_flowjax(model):
    """The object of FlowJAX that a model is, with equal parameters.

    Flows with parts that FlowJAX lacks (``ordered``, ``bounded_affine``, bijections of a formula) are refused with a
    :class:`FlowError`. A float64 model needs ``jax_enable_x64``.
    """
    from .to_flowjax import export_flowjax

    try:
        return export_flowjax(model.flow.text, model.flow.name, dict(model.parameters))
    except Unsupported as refusal:
        raise _error(refusal) from None
