"""Writes columns of a CSV file as an array: to_npy.py DATA.csv OUT.npy f4|f8 COLUMN,... [FIRST:END]."""

import array
import csv
import sys

source, out, dtype, columns = sys.argv[1:5]
first, end = map(int, sys.argv[5].split(":")) if len(sys.argv) > 5 else (0, None)
columns = columns.split(",")
with open(source, newline="") as file:
    rows = [[float(row[name]) for name in columns] for row in csv.DictReader(file)][first:end]
header = "{'descr': '<%s', 'fortran_order': False, 'shape': (%d, %d), }\n" % (dtype, len(rows), len(columns))
with open(out, "wb") as file:
    file.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode())
    array.array("f" if dtype == "f4" else "d", [number for row in rows for number in row]).tofile(file)
