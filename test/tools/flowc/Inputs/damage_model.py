"""Damages a model in one way: damage_model.py GOOD BAD WAY."""

import json
import pathlib
import struct
import sys

good, bad, way = sys.argv[1:]
raw = pathlib.Path(good).read_bytes()
size = int.from_bytes(raw[:8], "little")
header, data = json.loads(raw[8 : 8 + size]), bytearray(raw[8 + size :])
meta = header["__metadata__"]
names = [name for name in header if name != "__metadata__"]
weight = next(name for name in names if name.endswith("weight"))
begin, end = header[weight]["data_offsets"]
permutation = next(name for name in names if ".permutation" in name)
text = None  # instead of JSON
if way != "checksum":
    del meta["checksum"]  # the damage itself is to be found

if way == "nan":
    data[begin : begin + 4] = struct.pack("<f", float("nan"))
elif way == "checksum":
    data[begin] ^= 1  # another finite number
elif way == "permutation":
    at = header[permutation]["data_offsets"][0]
    data[at : at + 4] = data[at + 4 : at + 8]
elif way == "missing":
    del header[weight]
elif way == "extra":
    header["surplus"] = {"dtype": "F32", "shape": [], "data_offsets": [len(data), len(data) + 4]}
    data += bytes(4)
elif way == "overlap":
    header[weight]["data_offsets"] = [begin + 4, end + 4]
elif way == "beyond":
    header[weight]["data_offsets"] = [begin, end + 1000000]
elif way == "backwards":
    header[weight]["data_offsets"] = [end, begin]
elif way == "cut":
    data = data[:-1]
elif way == "appended":
    data += b"more"
elif way == "version":
    meta["format_version"] = "2"
elif way == "text":
    meta["flow"] = meta["flow"].replace("coupling_flow", "coupling_flaw")
elif way == "plain":
    del header["__metadata__"]
elif way == "json":
    text = b"{" * 100
elif way == "nested":
    text = b"[" * 1000000
elif way == "type":
    header[weight]["dtype"] = "F31"
elif way == "shape":
    header[weight]["shape"] = [-1, 2]
elif way != "length":
    sys.exit(f"no such way: {way}")

encoded = text or json.dumps(header).encode()
length = len(encoded) if way != "length" else (1 << 63) + 5
pathlib.Path(bad).write_bytes(struct.pack("<Q", length) + encoded + bytes(data))
