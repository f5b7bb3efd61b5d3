#!/usr/bin/env python3
"""dx/da = -(dP/da) / p of the gamma distribution by mpmath, with 80 digits: writes gamma_slope.csv beside itself.

dP/da is a central difference of mpmath's regularised incomplete gamma function. Needs mpmath and scipy (for
quantiles); test/unit/GammaSlopeTest.cpp compares.
"""

import pathlib

import mpmath as mp
from scipy.special import gammainccinv, gammaincinv, psi

mp.mp.dps = 80


def slope(a, x):
    a, x, h = mp.mpf(a), mp.mpf(x), mp.mpf("1e-25")
    # The side of the distribution that holds less, so that digits last.
    lower = x < a
    part = lambda b: mp.gammainc(b, 0, x, regularized=True) if lower else mp.gammainc(b, x, mp.inf, regularized=True)
    derivative = (part(a + h) - part(a - h)) / (2 * h)
    density = mp.exp((a - 1) * mp.log(x) - x - mp.loggamma(a))
    return (-derivative if lower else derivative) / density


with open(pathlib.Path(__file__).with_name("gamma_slope.csv"), "w") as file:
    file.write("concentration,draw,slope\n")
    for a in (1.0, 1.0625, 1.5, 2.0, 3.25, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 500.0, 2000.0):
        draws = [float(gammaincinv(a, p)) for p in (1e-12, 1e-6, 1e-2, 0.2, 0.45)]
        draws += [float(gammainccinv(a, p)) for p in (0.5, 0.2, 1e-2, 1e-6, 1e-12)]
        # Where the integral changes sides.
        draws += [float(mp.exp(psi(a))) * (1 + e) for e in (-1e-7, 0, 1e-7)]
        for x in draws:
            file.write(f"{a!r},{x!r},{float(slope(a, x))!r}\n")
