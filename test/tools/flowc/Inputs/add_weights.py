"""Writes files of two columns of a CSV file, and of weights: add_weights.py DATA.csv FOLDER."""

import csv
import sys

with open(sys.argv[1], newline="") as file:
    rows = [(row["u"], row["g"]) for row in csv.DictReader(file)][:2000]


def write(name, rows, weight=None):
    with open(f"{sys.argv[2]}/{name}.csv", "w") as file:
        file.write("u,g" + (",w" if weight else "") + "\n")
        for i, row in enumerate(rows):
            file.write(",".join(row) + (f",{weight(i)}" if weight else "") + "\n")


write("plain", rows[:1500])
write("val", rows[1500:])
write("ones", rows[:1500], lambda i: 1)
write("val_ones", rows[1500:], lambda i: 1)
write("mixed", rows, lambda i: 1 + i % 3)
write("negative", rows[:50], lambda i: 1 if i != 1 else -1)
