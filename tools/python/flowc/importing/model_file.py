# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Model files without the compiled module: docs/ABI.md has their format."""

import json
import struct

import numpy as np

TYPES = {"f8": ("F64", "<f8"), "f4": ("F32", "<f4"), "i4": ("I32", "<i4"), "i8": ("I32", "<i4")}


def write_model(path, text, parameters, item="imported"):
    """Writes the model of an item of a text with these parameters."""
    wide = any(array.dtype == np.float64 for array in parameters.values())
    header, data, end = {}, [], 0
    header["__metadata__"] = {"format": "flowc model", "format_version": "1", "flow": text, "item": item,
                              "dtype": "float64" if wide else "float32"}
    for name, array in parameters.items():
        if array.dtype.kind == "f" and wide:
            array = array.astype(np.float64)
        tag, layout = TYPES[array.dtype.str[1:]]
        data.append(np.ascontiguousarray(array, layout).tobytes())
        header[name] = {"dtype": tag, "shape": list(array.shape), "data_offsets": [end, end + len(data[-1])]}
        end += len(data[-1])
    head = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(head)) + head + b"".join(data))
