#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Times training steps of batchlab beside their matrix products alone and beside peers, in turn.

    tests/bench/table.py [--build build/release] [--rounds 5] [--patience 30] [--out FILE.json]
                         [--no-peers]

Fashion-MNIST, float32. In each round everything is measured once, the wide network twice, what is
compared side by side, a batch size after the other, for the speed of a machine changes within
minutes; a figure is the median over the rounds, a ratio the quotient of two such medians, a
percentage the median of ratios of steps made in turn. "Two at once" is what two cores do where
nothing is shared: the examples per second of two limits at once, times those of one. "Two that
meet" has each of two limits take half of the rows and wait for the other as the threads of a
training step do, three times a step: times the examples per second of one that takes as many rows,
what two cores do where nothing is shared but the time. The environment's kernel pins are removed.
Peers that are not installed are left out with a note. Prints Markdown tables; --out keeps every row
as JSON. Takes seven to fourteen minutes a round, on an idle machine.

The host of a virtual machine moves its cores: the two may be near each other, far apart, or one.
The rounds take them as they come. Whenever they are near each other, one thread and two of the narrow
network are measured once more, until each batch size has been as often as there are rounds; after the
last round this goes on for --patience minutes at most. What was near before and after makes a table of
its own.

Needs the release build with tests (tests/run.sh). Peers: Debian's python3-torch; libtorch-dev
and g++; for their fair figures with two threads libopenblas0-openmp.
"""
import argparse, collections, json, os, re, statistics, subprocess, sys, tempfile, time

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


class Placement:
    """How the two cores stand to each other."""
    NEAR_SECONDS = 250e-9  # of a word there and back; 60 to 165 ns near, 370 to 550 apart

    def __init__(self, build):
        self.program, self.seen = os.path.join(build, "tests", "placement"), collections.Counter()

    def look(self):
        row, = rows_of([self.program])
        state = ("on one core" if row["at_once"] > 1.5 else
                 "near" if row["word_seconds"] < self.NEAR_SECONDS else "far apart")
        self.seen[state] += 1
        return state

    def told(self):
        looks = self.seen.total()
        shares = ", ".join(f"{state} {100 * count / looks:.0f} %"
                           for state, count in self.seen.most_common())
        return f"Where the host had put the two cores, of {looks} looks during the rounds: {shares}."


def peers(build):
    """(name, command but for the batch sizes, with the OpenMP BLAS) of what is installed."""
    found = []
    if subprocess.run(["/usr/bin/python3", "-c", "import torch"],
                      capture_output=True).returncode:
        print("PyTorch is not installed (python3-torch): left out", file=sys.stderr)
    else:
        script = os.path.join(FOLDER, "peers", "pytorch_step.py")
        command = lambda threads: ["/usr/bin/python3", script, "--threads", threads,
                                   "--batch-sizes"]
        found.append(("PyTorch", command("1"), False))
        if os.path.isdir(OPENMP):
            found.append(("PyTorch", command("2"), True))
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
    found.append(("libtorch", [program, "1"], False))
    if os.path.isdir(OPENMP):
        found.append(("libtorch", [program, "2"], True))
    return found


def groups(build, ending=""):
    """For each network and batch size the programs that are compared: (name, command, with the
    OpenMP BLAS) of the limit and of batchlab, on one thread and on two, and of two limits that
    meet with one of half the rows."""
    batchlab, limit = os.path.join(build, "batchlab"), os.path.join(build, "tests", "limit")

    def group(network, size, name, more):
        bench = [batchlab, "bench", "four-families", "--batch-sizes", str(size), "--json", *more,
                 "--threads"]
        rows = [row for threads in "12" for row in
                [("limit" + name + ending, [limit, network, str(size), threads], False),
                 ("batchlab" + name + ending, [*bench, threads], False)]]
        halves = [("half" + name + ending, [limit, network, str(size // 2), "1"], False),
                  ("meeting" + name + ending, [limit, network, str(size), "2", "meeting"], False)]
        return rows + halves

    return ([group("mlp", size, "", []) for size in SIZES],
            [group("wide", size, " wide", WIDE) for size in WIDE_SIZES])


def round_of(build, with_peers):
    """The groups that a round measures, in its order, each without a pause."""
    narrow, wide = groups(build)
    rivals = peers(build) if with_peers else []
    of_rivals = lambda size: [(name, [*command, str(size)], openmp)
                              for name, command, openmp in rivals]
    return ([group + of_rivals(size) for size, group in zip(SIZES, narrow)] +
            [2 * group for group in wide])


def cost_ratios(build):
    """{benchmark: what a step costs, times the plain step beside which it was measured}."""
    command = [os.path.join(build, "tests", "kernels"), "--benchmark_format=json",
               "--benchmark_filter=^(StatisticsCost|VariedSizesCost)/",
               "--benchmark_repetitions=5", "--benchmark_enable_random_interleaving=true"]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    return {re.sub("/(iterations|min_time):.*", "", row["run_name"]): row["ratio"]
            for row in json.loads(done.stdout)["benchmarks"]
            if row.get("aggregate_name") == "median"}


def limit_varied_ratio(build):
    """What the limit of steps of varied sizes costs, times that of constant ones."""
    row, = rows_of([os.path.join(build, "tests", "limit"), "mlp", "varied"])
    return row["varied_ratio"]


def seconds_of(build, arguments):
    """Wall-clock seconds of a reproduction into a new folder, all included."""
    with tempfile.TemporaryDirectory() as folder:
        begin = time.monotonic()
        subprocess.run([os.path.join(build, "batchlab"), "reproduce", "four-families", "--out",
                        folder, "--quiet", *arguments], env=environment(), check=True,
                       capture_output=True)
        return time.monotonic() - begin


def save(figures, path):
    with open(path, "w") as file:
        json.dump([{"measured": key, "values": seconds} for key, seconds in figures.items()],
                  file, indent=1)
        file.write("\n")


class Figures(dict):
    """{name: [seconds or ratio of each look]}, a name being a tuple for steps."""

    def keep(self, key, value):
        self.setdefault(key, []).append(value)

    def keep_steps(self, name, rows, where):
        for row in rows:
            print(f"{where}: {name}, batch size {row['batch_size']}, {row['threads']} thread(s)",
                  file=sys.stderr)
            self.keep((name, row["batch_size"], row["threads"]), row["step_seconds"])


class WhileNear:
    """The groups that wait for cores that are near each other."""

    def __init__(self, build, rounds, placement):
        narrow, _ = groups(build, " near")  # wide ones have less to tell each other
        self.waiting = collections.deque(rounds * narrow)
        self.placement, self.moved = placement, 0

    def measure(self, figures):
        """As many as can be had now."""
        while self.placement.look() == "near" and self.waiting:
            group = self.waiting[0]
            rows = [(name, rows_of(command)) for name, command, _ in group]
            if self.placement.look() != "near":
                self.moved += 1
                return
            for name, of_name in rows:
                figures.keep_steps(name, of_name, f"cores near, {len(self.waiting)} to go")
            self.waiting.popleft()

    def told(self, rounds):
        missing = f", but for {len(self.waiting)}" if self.waiting else ""
        return (f"With the cores near each other before and after, {rounds} looks at each batch "
                f"size{missing}; {self.moved} more are left out, for the cores were moved:")


def measure(build, rounds, with_peers, near, patience_seconds, out):
    """The figures, saved to `out`, if given, after each round."""
    figures = Figures()
    compared = round_of(build, with_peers)
    for number in range(rounds):
        where = f"round {number + 1} of {rounds}"
        for group in compared:
            near.measure(figures)
            for name, program, openmp in group:
                figures.keep_steps(name, rows_of(program, openmp), where)
        print(f"{where}: statistics, sweeps, start", file=sys.stderr)
        for name, ratio in cost_ratios(build).items():
            figures.keep((name,), ratio)
        figures.keep(("limit varied",), limit_varied_ratio(build))
        for jobs in (1, 2):
            figures.keep((f"jobs {jobs}",), seconds_of(build, [
                "--seed=0,1,2,3", "--threads=1", f"--jobs={jobs}"]))
        figures.keep(("start",), seconds_of(build, [*ONE_RUN, "--set", "budget={steps=1}"]))
        if out:
            save(figures, out)
    seen_in_rounds = near.placement.told()
    end = time.monotonic() + patience_seconds
    while near.waiting and time.monotonic() < end:
        near.measure(figures)
        time.sleep(3)
    if out:
        save(figures, out)
    return figures, seen_in_rounds


def micro(median, key):
    return f"{1e6 * median[key]:.0f}" if key in median else "-"


def print_steps(median, network, sizes):
    sizes = [size for size in sizes if ("batchlab" + network, size, 2) in median]
    if not sizes:
        return print("None.\n")
    print("| batch size | limit | one thread | times the limit | two threads | against one | "
          "two at once | two that meet | best peer | against the best peer |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for size in sizes:
        limit, both = (("limit" + network, size, n) for n in (1, 2))
        one, two = (("batchlab" + network, size, n) for n in (1, 2))
        half, meeting = ("half" + network, size // 2, 1), ("meeting" + network, size, 2)
        rivals = [(seconds, key) for key, seconds in median.items()
                  if key[0] in ("PyTorch", "libtorch") and key[1] == size and not network]
        best = min(rivals, default=None)
        rival = (f"{1e6 * best[0]:.0f} ({best[1][0]}, {best[1][2]} "
                 f"thread{'s' if best[1][2] > 1 else ''}) | {best[0] / median[two]:.2f}"
                 if best else "- | -")
        print(f"| {size} | {micro(median, limit)} | {micro(median, one)} | "
              f"{median[one] / median[limit]:.2f} | {micro(median, two)} | "
              f"{median[one] / median[two]:.2f} | {2 * median[limit] / median[both]:.2f} | "
              f"{2 * median[half] / median[meeting]:.2f} | {rival} |")
    print()


def print_ratios(median):
    percent = lambda ratio: f"{100 * (ratio - 1):+.1f} %"
    print("| measured | against | |")
    print("|---|---|---|")
    for name, measured in (("none", "no statistics"), ("examples", "exact noise scale"),
                           ("lanes", "micro-batch noise scale"),
                           ("steps", "two-step noise scale"), ("halves", "half-batch cosine"),
                           ("inner_products", "inner products")):
        print(f"| {measured} at 128 | no statistics | {percent(median[(f'StatisticsCost/{name}/128',)])} |")
    for threads in (1, 2):
        print(f"| batch size drawn anew at each step, 32 to 512, {threads} thread(s) | constant "
              f"| {percent(median[(f'VariedSizesCost/{threads}',)])} |")
    print(f"| the same of the limit alone, 1 thread | constant | {percent(median[('limit varied',)])} |")
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
    parser.add_argument("--patience", type=float, default=30,
                        help="minutes to wait for cores near each other, after the rounds")
    given = parser.parse_args()
    near = WhileNear(given.build, given.rounds, Placement(given.build))
    figures, seen_in_rounds = measure(given.build, given.rounds, not given.no_peers, near,
                                      60 * given.patience, given.out)
    median = {key: statistics.median(seconds) for key, seconds in figures.items()}
    print(f"Microseconds a step, medians over {given.rounds} rounds. 784-128-10, Adam:\n")
    print_steps(median, "", SIZES)
    print(seen_in_rounds, end="\n\n")
    print("784-1024-1024-10, SGD with momentum, two looks a round:\n")
    print_steps(median, " wide", WIDE_SIZES)
    print_ratios(median)
    print("\n" + near.told(given.rounds), end="\n\n")
    print_steps(median, " near", SIZES)


main()
