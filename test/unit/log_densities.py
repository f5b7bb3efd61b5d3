#!/usr/bin/env python3
"""Writes LogDensities.inc: known answers of functions of densities, by textbook formulas with 450 digits (mpmath 1.3).

    python3 log_densities.py > LogDensities.inc

A row is a function, its arguments, the value, and the derivatives by each argument: central differences, which 450 digits
make exact to more than a double holds. Counts have no derivative."""
from mpmath import *

mp.dps = 450


def normal(y, m, s): return -((y - m) / s)**2 / 2 - log(s) - log(2 * pi) / 2


def student_t(y, df, m, s):
    z = (y - m) / s
    norm = loggamma((df + 1) / 2) - loggamma(df / 2) - log(df * pi) / 2
    return norm - log(s) - (df + 1) / 2 * log1p(z * z / df)


def cauchy(y, m, s): return -log(pi) - log(s) - log1p(((y - m) / s)**2)
def gamma_(y, a, s): return (a - 1) * log(y) - y / s - loggamma(a) - a * log(s)
def beta_(y, a, b): return (a - 1) * log(y) + (b - 1) * log1p(-y) - (loggamma(a) + loggamma(b) - loggamma(a + b))
def exponential(y, r): return log(r) - r * y
def log_normal(y, m, s): return normal(log(y), m, s) - log(y)
def laplace(y, m, s): return -abs((y - m) / s) - log(2 * s)


def logistic(y, m, s):
    z = (y - m) / s
    return -z - 2 * log1p(exp(-z)) - log(s)


def gumbel(y, m, s):
    z = (y - m) / s
    return -(z + exp(-z)) - log(s)


def bernoulli(y, l): return -log1p(exp(-l)) if y == 1 else -log1p(exp(l))


def binomial_(y, n, l):
    choices = loggamma(n + 1) - loggamma(y + 1) - loggamma(n - y + 1)
    return choices - y * log1p(exp(-l)) - (n - y) * log1p(exp(l))


def poisson(y, r): return y * log(r) - r - loggamma(y + 1)
def log1mexp(x): return log(-expm1(-abs(x)))
def normal_log_cdf(x): return log(erfc(-x / sqrt(2)) / 2)


# Name, formula, how many of the first arguments are counts, points.
CASES = [
    ("normal_log", normal, 0, [(0.5, 0.25, 2), (-3, 1, 0.125), (1e8, 0, 1), (1e-30, 0, 1e-20), (40, 0, 1), (0, 0, 1)]),
    ("student_t_log", student_t, 0, [(0.5, 4, 0.25, 2), (-30, 0.125, 1, 0.5), (1e10, 3, 0, 1), (2, 1e6, 0, 1), (2, 1e12, 0, 1), (0, 1, 0, 1), (1.5, 2, 1.5, 0.25), (0.75, 2**-20, 0.25, 1)]),
    ("cauchy_log", cauchy, 0, [(0.5, 0.25, 2), (1e10, 0, 1), (-1e100, 3, 0.5), (2, 2, 0.25), (1e-20, 0, 1)]),
    ("gamma_log", gamma_, 0, [(0.5, 2.5, 2), (2**-100, 0.25, 1), (2**-1000, 3, 2), (1000, 1000, 1), (1e6, 1e6, 1), (1.001e10, 1e10, 1), (3, 1, 0.5), (200, 0.5, 0.25), (1e-5, 2**-20, 1), (700, 3, 1)]),
    ("beta_log", beta_, 0, [(0.5, 2.5, 2), (2**-100, 0.25, 3), (1 - 2**-50, 2, 0.5), (0.25, 1, 1), (0.25, 1, 3), (0.625, 3, 1), (0.501, 1e6, 1e6), (0.25, 100, 1000), (1e-3, 2**-10, 5), (0.75, 0.5, 0.5)]),
    ("exponential_log", exponential, 0, [(0.5, 4), (0, 3), (1000, 0.125), (1e-300, 1)]),
    ("log_normal_log", log_normal, 0, [(0.5, 0.25, 2), (2**-1000, 0, 1), (1e200, 1, 3), (1, 0, 1), (3, -2, 0.125)]),
    ("laplace_log", laplace, 0, [(0.5, 0.25, 2), (-1000, 1, 0.5), (1e10, 0, 3)]),
    ("logistic_log", logistic, 0, [(0.5, 0.25, 2), (-1000, 1, 0.5), (1e6, 0, 3), (0, 0, 1), (50, 0, 1), (-50, 0, 1)]),
    ("gumbel_log", gumbel, 0, [(0.5, 0.25, 2), (-3, 1, 0.5), (1000, 0, 3), (-6, 0, 1)]),
    ("bernoulli_logit_log", bernoulli, 1, [(1, 0.5), (0, 0.5), (1, 40), (0, 40), (1, -800), (0, -800), (1, 30), (0, -30)]),
    ("binomial_logit_log", binomial_, 2, [(3, 10, 0.25), (0, 10, -3), (10, 10, 2), (0, 0, 0.5), (1, 1, -2), (500000, 1000000, 0.001), (3, 1000000, -12.5), (999999, 1000000, 14), (10, 1000, -800), (7, 20, 800), (400000000, 1000000000, -0.40551), (1, 1e9, 0.5), (5, 12, -40), (500000, 1000000, 0.0009765625)]),
    ("poisson_log", poisson, 1, [(3, 2.5), (0, 2.5), (0, 1e-300), (1, 1e-300), (100, 1e5), (1e6, 1e6), (1e9, 1.0001e9), (1000, 0.001), (1e10, 1e-200), (7, 7)]),
    ("erfc", erfc, 0, [(0.5,), (-3,), (10,), (26,), (0,), (0.46875,), (1e-10,), (-1e-10,)]),
    ("log1mexp", log1mexp, 0, [(0.5,), (-3,), (1e-10,), (50,), (700,), (0.6931471805599453,)]),
    ("normal_log_cdf", normal_log_cdf, 0, [(0.5,), (-3,), (-40,), (-1000,), (8,), (20,), (0,), (-1e8,)]),
]


def derive(formula, point, i):
    step = (abs(point[i]) or 1) * mpf(10)**-40
    ends = [formula(*(x + sign * step if j == i else x for j, x in enumerate(point))) for sign in (1, -1)]
    slope = (ends[0] - ends[1]) / (2 * step)
    return slope


print("// Written by log_densities.py.")
for name, formula, counts, points in CASES:
    for point in points:
        point = [mpf(float(x)) for x in point]
        slopes = [mpf(0) if i < counts else derive(formula, point, i) for i in range(len(point))]
        numbers = lambda values: ", ".join(repr(float(re(v))) for v in values)
        print(f'    {{"{name}", {{{numbers(point)}}}, {numbers([formula(*point)])}, {{{numbers(slopes)}}}}},')
