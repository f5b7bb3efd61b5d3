"""Runs every example that `flowc COMMAND --help` shows: run_examples.py FLOWC SOURCE FOLDER"""

import pathlib
import shlex
import subprocess
import sys

flowc, source, folder = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])

# What makes an example short: options at its end, or in place of its own.
SHORTER = {"train": ["--max-epochs", "1"], "bench": ["--rows", "200", "--seconds", "0.01"],
           "verify": ["--rows", "50", "--count", "1000"]}
COUNT = 40  # rows of data

TEXTS = {
    "galaxies.flow": "flow galaxies = coupling_flow(standard_normal([7]), flow_layers = 2, nn_width = 8)",
    "redshift.flow": "flow redshift = masked_autoregressive_flow(standard_normal([1]), cond_dim = 6, flow_layers = 2)",
    "normal.flow": "flow galaxies = multivariate_normal(zeros([7]), [" + ", ".join(
        str([int(i == j) for j in range(7)]) for i in range(7)) + "])",
    "banana.flow": "density banana(x[7]) = -0.5*sum(x^2)",
    "log.csv": "epoch,train_loss,val_loss,best_epoch,gradient_norm,learning_rate,recoveries,seconds\n1,2,3,1,4,0.1,0,0.5",
    "densities.flow": "density banana(x[2]) = -0.5*sum(x^2)\ndensity other(x[1]) = -x[0]^2",
}


def run(*arguments):
    given = None
    if "<" in arguments:
        at = arguments.index("<")
        given, arguments = (folder / arguments[at + 1]).read_text(), arguments[:at] + arguments[at + 2 :]
    result = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, input=given)
    if result.returncode:
        sys.exit(f"{shlex.join(map(str, arguments))}: exit code {result.returncode}\n{result.stderr}")
    return result.stdout


def read_examples(command):
    text = run(flowc, command, "--help").split("Examples:\n")[1].replace("\\\n", " ")
    return [line.split() for line in text.splitlines() if line.startswith("  flowc ")]


def prepare(is_conditional):
    """The files that examples read; the model is conditional in some."""
    for name, text in TEXTS.items():
        (folder / name).write_text(text + "\n")
    galaxies = (source / "test/data/galaxies.csv").read_text().splitlines()
    for name in ("galaxies.csv", "more.csv", "data.csv"):
        (folder / name).write_text("\n".join(galaxies[: COUNT + 1]) + "\n")
    (folder / "c.csv").write_text("\n".join(line.split(",", 1)[1] for line in galaxies[: COUNT + 1]) + "\n")
    (folder / "one.csv").write_text("\n".join(line.split(",", 1)[1] for line in galaxies[:2]) + "\n")
    flow = "redshift.flow" if is_conditional else "galaxies.flow"
    for name in ("model.safetensors", "other.safetensors"):
        run(flowc, "init", flow, "-o", name)
    # Arrays come from the tool: draws have the shape of events.
    condition = ["--condition", "c.csv"] if is_conditional else []
    count = "1" if is_conditional else str(COUNT)
    for name in ("x.npy", "z.npy", "data.npy", "dy.npy"):
        run(flowc, "sample", "model.safetensors", "-n", count, *condition, "-o", name)
    run(flowc, "log-prob", "model.safetensors", "x.npy", *condition, "-o", "dl.npy")
    run(flowc, "gradient", "model.safetensors", "x.npy", *condition, "-o", "gradient.npy")
    if is_conditional:
        (folder / "six.flow").write_text("flow six = normal(zeros(6))\n")
        run(flowc, "init", "six.flow", "-o", "six.safetensors")
        run(flowc, "sample", "six.safetensors", "-n", str(COUNT), "-o", "c.npy")


commands = [line.split()[0] for line in run(flowc, "--help").split("Subcommands:")[1].splitlines()
            if line.startswith("  ") and line[2] != " "]
if len(commands) < 14:
    sys.exit(f"found the commands {commands} only")
for command in commands:
    examples = read_examples(command)
    if not examples:
        sys.exit(f"flowc {command} --help shows no example")
    for example in examples:
        if command == "import":
            golden = source / "test/golden/coupling_d2"
            (folder / "trained.eqx").write_bytes((golden / "model.eqx").read_bytes())
            (folder / "galaxies.flow").write_bytes((golden / "model.flow").read_bytes())
        else:
            prepare(is_conditional="--condition" in example)
        if "--given" in example or "--within" in example:
            # A flow with conditionals, whose columns have the names of the data.
            run(flowc, "train", "normal.flow", "--data", "galaxies.csv", "-o", "model.safetensors", "--max-epochs", "1")
        options = SHORTER.get(command, [])
        for option, value in zip(options[::2], options[1::2]):
            if option in example:
                example[example.index(option) + 1] = value
            else:
                example += [option, value]
        run(flowc, *example[1:])
        print("ok", " ".join(example))
