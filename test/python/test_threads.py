"""Threads, processes, and interpreters."""

import concurrent.futures
import multiprocessing
import os
import resource
import subprocess
import sys
import textwrap
import threading

import numpy
import pytest

import flowc

FLOW = flowc.coupling_flow(flowc.standard_normal([3]), nn_width=8, flow_layers=2)
#: Whether everything is done as often as flowc promises, which takes minutes.
FULL_SIZE = "FLOWC_FULL_SIZE" in os.environ


def used_memory():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def test_sixteen_threads_of_mixed_calls_get_the_numbers_of_one():
    model = flowc.Model(FLOW, seed=1)
    x = numpy.random.default_rng(0).normal(size=(500, 3)).astype("float32")
    calls = [
        lambda: model.log_prob(x),
        lambda: model.sample(100, seed=3),
        lambda: model.score(x),
        lambda: model.value_and_grad(x)[0],
        lambda: model.transform(x)[0],
        lambda: flowc.Model(FLOW, seed=2, dtype="float64").log_prob(x),
    ]
    expected = [call() for call in calls]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        jobs = [(i, pool.submit(calls[i])) for _ in range(100) for i in range(len(calls))]
        for i, job in jobs:
            assert numpy.array_equal(job.result(), expected[i])


def test_readers_see_parameters_as_a_whole():
    model = flowc.Model(flowc.normal([0.0, 0.0], [1.0, 1.0]), dtype="float64")
    (loc,) = [name for name in model.parameters if name.endswith("loc")]
    x = numpy.zeros((2000, 2))
    done = threading.Event()

    def write():
        for i in range(300):
            model.parameters[loc] = [i % 2] * 2
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    possible = -numpy.log(2 * numpy.pi) - numpy.array([0, 1])
    while not done.is_set():
        (value,) = set(model.log_prob(x).tolist())
        assert abs(possible - value).min() < 1e-12
    writer.join()


def test_the_gil_is_free_while_kernels_run():
    model = flowc.Model(flowc.coupling_flow(flowc.standard_normal([8]), nn_width=128, nn_depth=3))
    x = numpy.zeros((20000, 8), "float32")
    model.log_prob(x[:1])
    ticks, running = [0], threading.Event()

    def tick():
        while not running.is_set():
            ticks[0] += 1

    ticker = threading.Thread(target=tick)
    ticker.start()
    before = ticks[0]
    model.log_prob(x)
    after = ticks[0]
    running.set()
    ticker.join()
    assert after - before > 1000


def log_prob_of_child(queue, data):
    queue.put(flowc.Model(FLOW, seed=1).log_prob(data))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes(method):
    x = numpy.random.default_rng(0).normal(size=(5000, 3))
    expected = flowc.Model(FLOW, seed=1).log_prob(x)  # (With threads, before the fork.)
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    process = context.Process(target=log_prob_of_child, args=(queue, x))
    process.start()
    assert numpy.array_equal(queue.get(timeout=120), expected)
    process.join(60)
    assert process.exitcode == 0


def test_a_model_is_used_in_forked_children():
    model = flowc.Model(FLOW, seed=1)
    x = numpy.random.default_rng(0).normal(size=(5000, 3))
    expected = model.log_prob(x)
    child = os.fork()
    if child == 0:
        fine = numpy.array_equal(model.log_prob(x), expected) and model.fit(x, max_epochs=1, progress=False)
        os._exit(0 if fine else 1)
    assert os.waitpid(child, 0)[1] == 0


def run(code):
    return subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120)


def test_subinterpreters_are_refused():
    done = run(
        """
        import flowc
        try:
            import _xxsubinterpreters as interpreters
        except ImportError:
            import _interpreters as interpreters
        interpreter = interpreters.create()
        failed = None
        try:
            failed = interpreters.run_string(interpreter, "import flowc")
        except Exception as error:
            failed = error
        print("refused:", failed)
        print(flowc.Model("flow f = standard_normal([2])").log_prob([0, 0]))
        """
    )
    assert done.returncode == 0, done.stderr
    assert "refused: " in done.stdout and "subinterpreters" in done.stdout and "-1.83" in done.stdout


@pytest.mark.parametrize("attempt", range(4))
@pytest.mark.parametrize("work", ["model.log_prob(x)", "model.log_prob(y)", "model.copy().fit(y, callback=print)"])
def test_the_interpreter_ends_while_threads_compute(work, attempt):
    # x is converted by Python code, y is read where it is; a training calls back.
    done = run(
        f"""
        import threading, time, numpy, flowc
        model = flowc.Model("flow f = coupling_flow(standard_normal([3]))")
        x = numpy.random.default_rng(0).normal(size=(10000, 3))
        y = x.astype("float32")
        def compute():
            while True:
                {work}
        for _ in range(4):
            threading.Thread(target=compute, daemon=True).start()
        time.sleep(0.3 + 0.05 * {attempt})
        """
    )
    assert done.returncode == 0, done.stderr


def test_importing_is_quick_about_what_is_not_needed():
    done = run("import sys, flowc; print([name for name in ('numpy', 'sklearn', 'pandas', 'typing') if name in sys.modules])")
    assert done.stdout == "[]\n"


def test_models_are_freed():
    def make(count):
        for seed in range(count):
            flowc.Model(FLOW, seed=seed).parameters

    make(300)
    before = used_memory()
    make(1_000_000 if FULL_SIZE else 2000)
    assert used_memory() - before < 4 << 20


def test_many_calls_from_sixteen_threads():
    model = flowc.Model(FLOW, seed=1)
    rows = numpy.random.default_rng(0).normal(size=(64, 3)).astype("float32")
    expected = model.log_prob(rows).tolist()
    wrong = []

    def call(count):
        for i in range(count):
            if model.log_prob(rows[i % 64]).item() != expected[i % 64]:
                wrong.append(i)

    def run(count):
        threads = [threading.Thread(target=call, args=(count // 16,)) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    run(3200)
    before = used_memory()
    run(10_000_000 if FULL_SIZE else 64_000)
    assert not wrong and used_memory() - before < 8 << 20


def test_threads_have_parameters_of_their_own():
    """What flowc.jax and flowc.torch call: a flow as a function of its parameters."""
    models = [flowc.Model(flowc.normal([i, 0.0, 0.0], [1.0, 2.0, 3.0])) for i in range(8)]
    functional = flowc._core.Functional.of(models[0]._core)
    x = numpy.random.default_rng(0).normal(size=(100, 3)).astype("float32")
    nothing = numpy.empty(0, "float32")
    own = [(model._core.get_trainable().astype("float32"), model.log_prob(x)) for model in models]

    def call(i):
        parameters, expected = own[i % len(own)]
        (found,) = functional.run("log_prob", parameters, nothing, 0, 0, [x], [(100, 1)])
        return numpy.array_equal(found[:, 0], expected)

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert all(pool.map(call, range(20_000 if FULL_SIZE else 2000)))
    with pytest.raises(flowc.FlowError, match="x"):
        functional.run("log_prob", own[0][0], nothing, 0, 0, [x[:, :2]], [(100, 1)])
    with pytest.raises(flowc.FlowError, match="too many"):
        functional.run("log_prob", own[0][0], own[0][0], 0, 0, [x], [(100, 1)])
