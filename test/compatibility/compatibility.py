"""Files of earlier versions: makes a folder of them, or checks that this flowc reads one.

    compatibility.py make FLOWC FOLDER        before a release: files of this version
    compatibility.py check FLOWC FOLDER OUT   models score as they did, trainings go on, objects run

What is promised is in docs/ABI.md. Files of released versions are never made anew.
"""

import ctypes
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import time

MODELS = {
    "coupling_f32": "flow f = coupling_flow(standard_normal([2]), flow_layers = 2, nn_width = 4)",
    "spline_f64": "flow f = masked_autoregressive_flow(standard_normal([2]), flow_layers = 2, nn_width = 4, "
                  "transformer = rational_quadratic_spline(knots = 4, interval = 3))",
    "triangular_f64": "flow f = triangular_spline_flow(standard_normal([2]), flow_layers = 2, knots = 4)",
    "formula_f32": "bijection g(x; a = positive(1.5), b = 0.25) = a*x + b\n"
                   "flow f = transformed(student_t(full([2], 4.0)), vmap(g(), in_axes = none, axis_size = 2))",
}
TRAININGS = {
    "data": ["--data", "rows.csv", "--preset", "flowjax", "--max-epochs", "400", "--max-patience", "400"],
    "target": ["--target", "t.flow", "--no-chains", "--steps", "4000", "--num-samples", "32"],
}
TARGET = "density t(x[2]) = -0.5*x[0]^2 - 2*(x[1] - x[0])^2\n"
CPU = "x86-64-v3"  # of the object
TOLERANCE = {"f32": 2e-5, "f64": 1e-11}


def run(flowc, folder, *command):
    done = subprocess.run([flowc, *command], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, f"flowc {' '.join(command)}: {done.stderr}"
    return done.stdout


def column(text):
    return [float(line.split(",")[-1]) for line in text.split()[1:]]


def train(flowc, folder, name, *options):
    return run(flowc, folder, "train", f"{name}.flow", *TRAININGS[name], "--seed", "3", *options)


def kill_on_the_way(flowc, folder, name):
    """Leaves a checkpoint of the middle of a training."""
    checkpoint = folder / f"{name}_checkpoint.safetensors"
    command = [flowc, "train", f"{name}.flow", *TRAININGS[name], "--seed", "3", "--checkpoint", checkpoint.name,
               "--checkpoint-seconds", "0.01", "-o", "killed.safetensors"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while not checkpoint.exists() and process.poll() is None:
            time.sleep(0.001)
        process.kill()
    assert not (folder / "killed.safetensors").exists(), "the training ended before it was killed"


def run_object(folder, out):
    """log_prob of the rows by the object, called as docs/ABI.md says."""
    library = out / "log_prob.so"
    linker = shutil.which("ld.lld-22") or shutil.which("ld")
    subprocess.run([linker, "-shared", folder / "log_prob.o", "-o", library], check=True)
    kernel = ctypes.CDLL(str(library))
    numbers = (ctypes.c_int64 * 9).in_dll(kernel, "info")
    assert numbers[0] == 1, f"version {numbers[0]} of the kernel ABI"

    def aligned(count):
        memory = ctypes.create_string_buffer(4 * count + 64)
        return ctypes.c_void_p((ctypes.addressof(memory) + 63) & ~63), memory

    arrays = read_arrays(folder / "coupling_f32.safetensors")
    buffers = [ctypes.create_string_buffer(data, len(data)) for data in arrays]
    leaves = (ctypes.c_void_p * len(buffers))(*map(ctypes.addressof, buffers))
    rows = [float(x) for line in (folder / "rows.csv").read_text().split()[1:] for x in line.split(",")]
    events = (ctypes.c_float * len(rows))(*rows)
    scores = (ctypes.c_float * (len(rows) // 2))()
    (prepared, memory1), (workspace, memory2) = aligned(numbers[1]), aligned(numbers[2])
    kernel.prepare(leaves, prepared)
    kernel.kernel(prepared, (ctypes.c_void_p * 1)(ctypes.addressof(events)),
                  (ctypes.c_void_p * 1)(ctypes.addressof(scores)), workspace, ctypes.c_int64(len(scores)),
                  ctypes.c_uint64(0), ctypes.c_uint64(0))
    return list(scores)


def read_arrays(path):
    """The arrays of a model in its own order, which is that of the leaves."""
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    header.pop("__metadata__")
    return [data[8 + size + begin : 8 + size + end] for begin, end in (a["data_offsets"] for a in header.values())]


def make(flowc, folder):
    folder.mkdir(parents=True)
    (folder / "rows.csv").write_text("a,b\n" + "".join(f"{(7 * i % 40) / 16 - 1},{(11 * i % 40) / 16 - 1}\n" for i in range(40)))
    (folder / "t.flow").write_text(TARGET)
    expected = {"log_prob": {}, "trained": {}}
    for name, text in MODELS.items():
        (folder / f"{name}.flow").write_text(text + "\n")
        run(flowc, folder, "init", f"{name}.flow", "--seed", "3", "--dtype", name[-3:], "-o", f"{name}.safetensors")
        expected["log_prob"][name] = column(run(flowc, folder, "log-prob", f"{name}.safetensors", "rows.csv"))
    for name in TRAININGS:
        (folder / f"{name}.flow").write_text(MODELS["coupling_f32"] + "\n")
        train(flowc, folder, name, "-o", f"{name}.safetensors")
        expected["trained"][name] = column(run(flowc, folder, "log-prob", f"{name}.safetensors", "rows.csv"))
        kill_on_the_way(flowc, folder, name)
    run(flowc, folder, "compile", "coupling_f32.flow", "--kernel", "log_prob", "--cpu", CPU, "-o", "log_prob.o")
    expected["object"] = run_object(folder, folder)
    (folder / "log_prob.so").unlink()
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


def check_close(what, found, expected, tolerance):
    assert len(found) == len(expected), f"{what}: {len(found)} numbers, expected {len(expected)}"
    worst = max(abs(a - b) / max(1, abs(b)) for a, b in zip(found, expected))
    assert worst <= tolerance, f"{what}: differs by {worst} from what it was, allowed {tolerance}"


def check(flowc, folder, out):
    out.mkdir(parents=True, exist_ok=True)
    expected = json.loads((folder / "expected.json").read_text())
    for name, scores in expected["log_prob"].items():
        check_close(name, column(run(flowc, folder, "log-prob", f"{name}.safetensors", "rows.csv")), scores,
                    TOLERANCE[name[-3:]])
        print(f"model {name}: scores as it did")
    for name, scores in expected["trained"].items():
        model = str(out / f"{name}.safetensors")
        said = train(flowc, folder, name, "--resume", f"{name}_checkpoint.safetensors", "-o", model)
        check_close(f"resumed {name}", column(run(flowc, folder, "log-prob", model, "rows.csv")), scores, 1e-3)
        print(f"training {name}: goes on as it would have")
    if all(feature in pathlib.Path("/proc/cpuinfo").read_text() for feature in ("avx2", "bmi2", "fma")):
        found = run_object(folder, out)
        assert found == expected["object"], "the object gives other bits"
        print("object: the same bits")


def main():
    if sys.argv[1:2] == ["make"] and len(sys.argv) == 4:
        return make(os.path.abspath(sys.argv[2]), pathlib.Path(sys.argv[3]))
    if sys.argv[1:2] == ["check"] and len(sys.argv) == 5:
        return check(os.path.abspath(sys.argv[2]), pathlib.Path(sys.argv[3]), pathlib.Path(sys.argv[4]).resolve())
    sys.exit(__doc__)


if __name__ == "__main__":
    main()
