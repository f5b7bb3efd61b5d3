"""Writes optax.csv: what optax's optimisers do to four parameters in ten steps.

    python -m venv venv && venv/bin/pip install jax optax && venv/bin/python make_optax.py > optax.csv

The loss is sum(a * (p - b)^2 + log cosh(p)) with constants that test/unit/OptimizerTest.cpp has too.
One line for each optimiser and step: its name and settings as flowc takes them, step, rate, parameters.
"""

import jax
import optax

jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp  # noqa: E402

A = jnp.array([0.5, 2.0, 0.05, 1.0])
B = jnp.array([1.0, -2.0, 3.0, 0.1])
START = jnp.array([0.3, 0.7, -1.1, 2.0])
STEPS = 10


def loss(p):
    return jnp.sum(A * (p - B) ** 2 + jnp.log(jnp.cosh(p)))


CASES = {
    "adam": (0.1, optax.adam),
    "adam:beta1=0.8,beta2=0.95,epsilon=0.001": (0.05, lambda r: optax.adam(r, 0.8, 0.95, 1e-3)),
    "adamw": (0.1, optax.adamw),
    "adamw:weight_decay=0.05": (0.1, lambda r: optax.adamw(r, weight_decay=0.05)),
    "sgd": (0.05, optax.sgd),
    "sgd:momentum=0.9": (0.02, lambda r: optax.sgd(r, momentum=0.9)),
    "sgd:momentum=0.9,nesterov=1": (0.02, lambda r: optax.sgd(r, momentum=0.9, nesterov=True)),
    "rmsprop": (0.05, optax.rmsprop),
    "rmsprop:decay=0.8,epsilon=0.0001,momentum=0.5": (0.05, lambda r: optax.rmsprop(r, 0.8, 1e-4, momentum=0.5)),
    "adagrad": (0.3, optax.adagrad),
    "adagrad:epsilon=0.001,start=0.5": (0.3, lambda r: optax.adagrad(r, 0.5, 1e-3)),
    "lion": (0.05, optax.lion),
    "lion:beta1=0.7,beta2=0.8,weight_decay=0.1": (0.05, lambda r: optax.lion(r, 0.7, 0.8, weight_decay=0.1)),
    "lbfgs:search=0": (0.5, lambda r: optax.lbfgs(r, linesearch=None)),
    "lbfgs:memory=2,search=0": (0.5, lambda r: optax.lbfgs(r, memory_size=2, linesearch=None)),
    "adam,clip=0.7": (0.1, lambda r: optax.chain(optax.clip_by_global_norm(0.7), optax.adam(r))),
}

SCHEDULES = {
    "cosine": optax.cosine_decay_schedule(1.0, 20),
    "cosine:end=0.1": optax.cosine_decay_schedule(1.0, 20, 0.1),
    "exponential:decay=0.3,steps=7": optax.exponential_decay(1.0, 7, 0.3),
    "warmup_cosine:end=0.02,warmup=0.25": optax.warmup_cosine_decay_schedule(0.0, 1.0, 5, 20, 0.02),
}


def plateau():
    """The scale that optax.contrib.reduce_on_plateau has after each of these losses."""
    losses = [3, 2, 2.5, 2, 1.9999, 2, 1, 1, 1, 1, 1, 1, 1, 0.5, 0.6]
    transform = optax.contrib.reduce_on_plateau(factor=0.5, patience=2, rtol=1e-4, cooldown=1)
    state = transform.init(jnp.zeros(()))
    for i, value in enumerate(losses):
        _, state = transform.update(jnp.ones(()), state, value=jnp.asarray(value, dtype=jnp.float64))
        print(f"plateau,{i},{value!r},{float(state.scale)!r}")


def average():
    """optax.ema with bias correction, of the parameters of gradient descent."""
    ema = optax.ema(0.9)
    state, p = ema.init(START), START
    for step in range(1, STEPS + 1):
        p = p - 0.05 * jax.grad(loss)(p)
        mean, state = ema.update(p, state)
        print(f"average,{step},0.05," + ",".join(repr(float(x)) for x in mean))


for name, (rate, make) in CASES.items():
    optimizer = make(rate)
    p, state = START, optimizer.init(START)
    for step in range(1, STEPS + 1):
        updates, state = optimizer.update(jax.grad(loss)(p), state, p)
        p = optax.apply_updates(p, updates)
        print(f'"{name}",{step},{rate},' + ",".join(repr(float(x)) for x in p))
for name, schedule in SCHEDULES.items():
    for step in range(22):
        print(f'"schedule {name}",{step},{float(schedule(step))!r}')
plateau()
average()
