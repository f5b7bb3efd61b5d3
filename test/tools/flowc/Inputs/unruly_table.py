"""Prints a table that is hard to draw: long names, large and small numbers, long tails, repeated values."""

import math
import random

random.seed(1)
gauss = random.gauss
names = ["<b>bold</b>", '"a ""quoted"" name & more"'] + [f"a_rather_long_name_of_column_{i}" for i in range(7)]
print(",".join(names))
for row in range(400):
    values = [gauss(0, 1e7), gauss(0, 1e-6), math.exp(3 * gauss(0, 1)), random.randrange(3), 7, gauss(1e5, 1)]
    print(",".join(f"{value:.9g}" for value in values + [gauss(0, 1) for _ in range(3)]))
