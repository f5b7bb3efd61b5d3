"""Prints the size of a PNG in pixels: png_size.py FILE"""

import struct
import sys

print("{} x {}".format(*struct.unpack(">II", open(sys.argv[1], "rb").read(24)[16:])))
