#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Times a training step of batchlab, of its matrix products alone, and of its peers, in turn.

    tests/bench/table.py [--build build/release] [--rounds 5] [--out FILE.json] [--no-peers]

Fashion-MNIST, 784-128-10, ReLU, Adam, float32. In each round everything is measured once; a
figure is the median over the rounds, a ratio the quotient of two such medians, so that both
were measured in one go. The environment's kernel pins are removed. Peers that are not
installed are left out with a note. Prints a Markdown table; --out keeps every row as JSON.

Needs the release build with tests (tests/run.sh). Peers: Debian's python3-torch; libtorch-dev
and g++; for PyTorch's fair figure with two threads libopenblas0-openmp.
"""
import argparse, json, os, statistics, subprocess, sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
OPENMP = "/usr/lib/x86_64-linux-gnu/openblas-openmp"
SIZES = [8, 32, 128, 512, 4096]


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


def measure(build, rounds, with_peers):
    """{(name, batch_size, threads): [step_seconds of each round]}"""
    sizes = ",".join(map(str, SIZES))
    command = os.path.join(build, "batchlab")
    programs = [("batchlab", [command, "bench", "four-families", "--batch-sizes", sizes,
                              "--threads", "1,2", "--json"], False),
                ("limit", [os.path.join(build, "tests", "limit"), "mlp", sizes], False)]
    programs += peers(build) if with_peers else []
    figures = {}
    for number in range(rounds):
        for name, program, openmp in programs:
            print(f"round {number + 1} of {rounds}: {name}", file=sys.stderr)
            for row in rows_of(program, openmp):
                key = (name, row["batch_size"], row["threads"])
                figures.setdefault(key, []).append(row["step_seconds"])
    return figures


def print_table(figures):
    median = {key: statistics.median(seconds) for key, seconds in figures.items()}
    micro = lambda key: f"{1e6 * median[key]:.0f}" if key in median else "-"
    print("| batch size | limit | one thread | times the limit | two threads | against one | "
          "best peer | against the best peer |")
    print("|---|---|---|---|---|---|---|---|")
    for size in SIZES:
        limit, one, two = (("limit", size, 1), ("batchlab", size, 1), ("batchlab", size, 2))
        rivals = [(seconds, key) for key, seconds in median.items()
                  if key[0] in ("PyTorch", "libtorch") and key[1] == size]
        best = min(rivals, default=None)
        rival = (f"{1e6 * best[0]:.0f} ({best[1][0]}, {best[1][2]} threads) | "
                 f"{best[0] / median[two]:.2f}" if best else "- | -")
        print(f"| {size} | {micro(limit)} | {micro(one)} | {median[one] / median[limit]:.2f} | "
              f"{micro(two)} | {median[one] / median[two]:.2f} | {rival} |")
    print("\nMicroseconds a step; medians over "
          f"{max(len(seconds) for seconds in figures.values())} rounds.")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", help="every figure, as JSON")
    parser.add_argument("--no-peers", action="store_true")
    given = parser.parse_args()
    figures = measure(given.build, given.rounds, not given.no_peers)
    print_table(figures)
    if given.out:
        with open(given.out, "w") as file:
            json.dump([{"program": name, "batch_size": size, "threads": threads,
                        "step_seconds": seconds}
                       for (name, size, threads), seconds in figures.items()], file, indent=1)
            file.write("\n")


main()
