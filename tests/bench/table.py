#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Times training steps of batchlab beside their matrix products alone and beside peers, in turn.

    tests/bench/table.py [--build build/release] [--rounds 5] [--out FILE.json] [--no-peers]

Fashion-MNIST, float32. In each round everything is measured once; a figure is the median over
the rounds, a ratio the quotient of two such medians, so that both were measured in one go. The
environment's kernel pins are removed. Peers that are not installed are left out with a note.
Prints Markdown tables; --out keeps every row as JSON. Takes three minutes a round, on an idle
machine.

Needs the release build with tests (tests/run.sh). Peers: Debian's python3-torch; libtorch-dev
and g++; for their fair figures with two threads libopenblas0-openmp.
"""
import argparse, json, os, statistics, subprocess, sys, tempfile, time

FOLDER = os.path.dirname(os.path.abspath(__file__))
OPENMP = "/usr/lib/x86_64-linux-gnu/openblas-openmp"
SIZES = [8, 32, 128, 512, 4096]
WIDE_SIZES = [32, 128, 512]
WIDE = ["--set", "model.layers=[{type='dense', units=1024, activation='relu'}, "
        "{type='dense', units=1024, activation='relu'}, {type='dense', units=10}]",
        "--set", "optimizer={name='sgd', momentum=0.9, learning_rate=0.01}"]
ONE_RUN = ["--set", "controllers=[{name='constant', batch_size=128}]", "--set", "seeds=[0]"]


def environment(openmp=False):
    kept = {k: v for k, v in os.environ.items()
            if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OPENBLAS_NUM_THREADS")}
    if openmp:
        kept["LD_LIBRARY_PATH"] = OPENMP
    return kept


def rows_of(command, openmp=False):
    """The JSON lines that a command prints, or those of its "rows"."""
    done = subprocess.run(command, env=environment(openmp), capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    if done.stdout.lstrip().startswith("{\n"):
        return json.loads(done.stdout)["rows"]
    return [json.loads(line) for line in done.stdout.splitlines()]


def peers(build):
    """(name, command, with the OpenMP BLAS) of what is installed."""
    sizes = ",".join(map(str, SIZES))
    found = []
    if subprocess.run(["/usr/bin/python3", "-c", "import torch"],
                      capture_output=True).returncode:
        print("PyTorch is not installed (python3-torch): left out", file=sys.stderr)
    else:
        script = os.path.join(FOLDER, "peers", "pytorch_step.py")
        found.append(("PyTorch", ["/usr/bin/python3", script, "--threads", "1",
                                  "--batch-sizes", sizes], False))
        if os.path.isdir(OPENMP):
            found.append(("PyTorch", ["/usr/bin/python3", script, "--threads", "2",
                                      "--batch-sizes", sizes], True))
    if not os.path.exists("/usr/include/torch/csrc/api/include/torch/torch.h"):
        print("libtorch is not installed (libtorch-dev): left out", file=sys.stderr)
        return found
    program = os.path.join(build, "libtorch_step")
    if not os.path.exists(program):
        print("compiling libtorch_step: two minutes", file=sys.stderr)
        subprocess.run(["g++", "-O3", "-DNDEBUG", "-std=c++17",
                        "-I/usr/include/torch/csrc/api/include",
                        os.path.join(FOLDER, "peers", "libtorch_step.cpp"), "-o", program,
                        "-ltorch", "-ltorch_cpu", "-lc10", "-lz"], check=True)
    found.append(("libtorch", [program, "1", sizes], False))
    if os.path.isdir(OPENMP):
        found.append(("libtorch", [program, "2", sizes], True))
    return found


def step_rows(build, with_peers):
    """(name, command, with the OpenMP BLAS) of every program that prints rows of steps."""
    batchlab, limit = os.path.join(build, "batchlab"), os.path.join(build, "tests", "limit")
    sizes, wide = (",".join(map(str, s)) for s in (SIZES, WIDE_SIZES))
    bench = lambda s, more: [batchlab, "bench", "four-families", "--batch-sizes", s,
                             "--threads", "1,2", "--json", *more]
    return [("batchlab", bench(sizes, []), False), ("limit", [limit, "mlp", sizes], False),
            ("batchlab wide", bench(wide, WIDE), False),
            ("limit wide", [limit, "wide", wide], False),
            *(peers(build) if with_peers else [])]


def statistics_rows(build):
    """{benchmark: ratio of a step with statistics to one without, or seconds of a thousand steps}."""
    command = [os.path.join(build, "tests", "kernels"), "--benchmark_format=json",
               "--benchmark_filter=^(StatisticsCost|ThousandSteps)/",
               "--benchmark_repetitions=5", "--benchmark_enable_random_interleaving=true"]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    value = lambda row: row.get("ratio") or \
        row["real_time"] * {"ns": 1e-9, "us": 1e-6, "ms": 1e-3}[row["time_unit"]]
    return {row["run_name"]: value(row) for row in json.loads(done.stdout)["benchmarks"]
            if row.get("aggregate_name") == "median"}


def seconds_of(build, arguments):
    """Wall-clock seconds of a reproduction into a new folder, all included."""
    with tempfile.TemporaryDirectory() as folder:
        begin = time.monotonic()
        subprocess.run([os.path.join(build, "batchlab"), "reproduce", "four-families", "--out",
                        folder, "--quiet", *arguments], env=environment(), check=True,
                       capture_output=True)
        return time.monotonic() - begin


def measure(build, rounds, with_peers):
    """{name: [seconds of each round]}, a name being a tuple for steps."""
    figures = {}
    keep = lambda key, seconds: figures.setdefault(key, []).append(seconds)
    programs = step_rows(build, with_peers)
    for number in range(rounds):
        for name, program, openmp in programs:
            print(f"round {number + 1} of {rounds}: {name}", file=sys.stderr)
            for row in rows_of(program, openmp):
                keep((name, row["batch_size"], row["threads"]), row["step_seconds"])
        print(f"round {number + 1} of {rounds}: statistics, sweeps, start", file=sys.stderr)
        for name, seconds in statistics_rows(build).items():
            keep((name,), seconds)
        for jobs in (1, 2):
            keep((f"jobs {jobs}",), seconds_of(build, ["--set", "budget.epochs=2", "--seed=0,1,2,3", "--threads=1",
                                                       f"--jobs={jobs}"]))
        keep(("start",), seconds_of(build, [*ONE_RUN, "--set", "budget={steps=1}"]))
    return figures


def micro(median, key):
    return f"{1e6 * median[key]:.0f}" if key in median else "-"


def print_steps(median, network, sizes):
    print("| batch size | limit | one thread | times the limit | two threads | against one | "
          "best peer | against the best peer |")
    print("|---|---|---|---|---|---|---|---|")
    for size in sizes:
        limit, one, two = (("limit" + network, size, 1), ("batchlab" + network, size, 1),
                           ("batchlab" + network, size, 2))
        rivals = [(seconds, key) for key, seconds in median.items()
                  if key[0] in ("PyTorch", "libtorch") and key[1] == size and not network]
        best = min(rivals, default=None)
        rival = (f"{1e6 * best[0]:.0f} ({best[1][0]}, {best[1][2]} "
                 f"thread{'s' if best[1][2] > 1 else ''}) | {best[0] / median[two]:.2f}"
                 if best else "- | -")
        print(f"| {size} | {micro(median, limit)} | {micro(median, one)} | "
              f"{median[one] / median[limit]:.2f} | {micro(median, two)} | "
              f"{median[one] / median[two]:.2f} | {rival} |")
    print()


def print_ratios(median):
    cost, varied = (lambda name: median[(f"StatisticsCost/{name}/128",)],
                    lambda name: median[(f"ThousandSteps/{name}/real_time",)])
    percent = lambda ratio: f"{100 * (ratio - 1):+.1f} %"
    print("| measured | against | |")
    print("|---|---|---|")
    for name, measured in (("examples", "exact noise scale"), ("lanes", "micro-batch noise scale"),
                           ("steps", "two-step noise scale"), ("halves", "half-batch cosine"),
                           ("inner_products", "inner products")):
        print(f"| {measured} at 128 | no statistics | {percent(cost(name))} |")
    for threads in (1, 2):
        print(f"| batch size drawn anew at each step, 32 to 512, {threads} thread(s) | constant "
              f"| {percent(varied(f'varied/{threads}') / varied(f'constant/{threads}'))} |")
    print(f"| sweep of 20 runs, two jobs | one job | "
          f"{median[('jobs 1',)] / median[('jobs 2',)]:.2f} times the examples per second |")
    print(f"| a run of one step, evaluation included | - | {median[('start',)]:.2f} s |")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", help="every figure, as JSON")
    parser.add_argument("--no-peers", action="store_true")
    given = parser.parse_args()
    figures = measure(given.build, given.rounds, not given.no_peers)
    if given.out:
        with open(given.out, "w") as file:
            json.dump([{"measured": key, "values": seconds} for key, seconds in figures.items()],
                      file, indent=1)
            file.write("\n")
    median = {key: statistics.median(seconds) for key, seconds in figures.items()}
    print(f"Microseconds a step, medians over {given.rounds} rounds. 784-128-10, Adam:\n")
    print_steps(median, "", SIZES)
    print("784-1024-1024-10, SGD with momentum:\n")
    print_steps(median, " wide", WIDE_SIZES)
    print_ratios(median)


main()
