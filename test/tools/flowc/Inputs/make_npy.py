"""Writes .npy files, good and bad ones, into a folder; needs no numpy."""

import pathlib
import struct
import sys

folder = pathlib.Path(sys.argv[1])


def write(name, descr, shape, data, fortran=False):
    header = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    start = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header))
    (folder / f"{name}.npy").write_bytes(start + header.encode() + data)


four = struct.pack("<4f", 1, 2, 3, 4)
write("good", "<f4", "(2, 2)", four)
write("fortran", "<f4", "(2, 2)", struct.pack("<4f", 1, 3, 2, 4), fortran=True)
write("double", "<f8", "(2, 2)", struct.pack("<4d", 1, 2, 3, 4))
write("integers", "<i8", "(2, 2)", struct.pack("<4q", 1, 2, 3, 4))
write("nan", "<f4", "(2, 2)", struct.pack("<4f", 1, float("nan"), 3, 4))
write("empty", "<f4", "(0, 2)", b"")
write("cut", "<f4", "(2, 2)", four[:12])
write("long", "<f4", "(2, 2)", four + four[:8])
write("rank1", "<f4", "(4,)", four)
write("rank3", "<f4", "(2, 2, 1)", four)
write("negative", "<f4", "(-2, 2)", four)
write("huge", "<f4", "(4611686018427387904, 4)", four)
write("object", "|O", "(2, 2)", four)
write("complex", "<c8", "(2, 2)", four * 2)
write("half", "<f2", "(2, 2)", four[:8])
write("bigendian", ">f4", "(2, 2)", four)
