"""A table with columns of every kind, or, with --check, whether rows could be some of it."""

import csv
import datetime
import random
import sys


def write():
    r = random.Random(1)
    print("z,rain,count,color,day,seven,again")
    for i in range(400):
        z = "%.9f" % (r.gauss(0, 1) + i * 1e-9)
        rain = max(0, round(r.gauss(0, 2), 1))
        day = datetime.date(2024, 1, 1) + datetime.timedelta(days=r.randrange(300) if i else 0)
        color = r.choices(["red", "green", "blue"], [5, 3, 1])[0]
        print(z, "%.1f" % rain, int(abs(r.gauss(0, 4))), color, day, 7, z, sep=",")


def check():
    rows = list(csv.DictReader(sys.stdin))
    wrong = 0
    for row in rows:
        wrong += float(row["rain"]) < 0 or row["rain"] != "%g" % round(float(row["rain"]), 1)
        wrong += not row["count"].isdigit()
        wrong += row["color"] not in ("red", "green", "blue")
        wrong += str(datetime.date.fromisoformat(row["day"])) != row["day"]
        wrong += row["seven"] != "7" or row["again"] != row["z"]
    print("rows:", len(rows))
    print("wrong cells:", wrong)


check() if "--check" in sys.argv else write()
