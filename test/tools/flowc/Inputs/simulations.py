"""Writes 400 rows: an event x from a standard normal prior, a condition c that is x with noise, a weight w."""

import random

random.seed(3)
print("x,c,w")
for _ in range(400):
    x = random.gauss(0, 1)
    print(f"{x:.6f},{x + 0.5 * random.gauss(0, 1):.6f},{random.uniform(0.5, 2):.6f}")
