#!/usr/bin/env python3
"""my_rule: batches so large that a step makes a given share of the progress that the
largest batch would make.

    progress  =  1 / (1 + S / B)        so        B  =  S progress / (1 - progress)

S: the gradient noise scale, in examples. McCandlish et al. 2018, arXiv 1812.06162.
"""
import json
import sys

RULE = {"name": "my_rule",
        "summary": "as large as a share of the best progress of a step takes",
        "source": "McCandlish et al. 2018, arXiv 1812.06162",
        "needs": ["noise_scale"],  # what is measured for decide(), at every step
        "options": [{"name": "progress", "kind": "number", "default": 0.5,
                     "minimum": 0.01, "maximum": 0.99, "help": "share of the best"}]}
options = {}  # by name; where a specification gives none, its default
state = {"batch_size": 32.0}  # all that it remembers; wanted until S is known


def decide(statistics):
    """The batch size wanted, and why; bounds and rounding are not its business."""
    noise_scale = statistics.get("noise_scale") or 0  # absent: not yet known
    wanted = noise_scale * options["progress"] / (1 - options["progress"])
    if wanted <= 0:
        return {**state, "reason": "noise scale unknown: hold"}
    state["batch_size"] = min(max(wanted, 1), 1e15)
    return {**state, "reason": f"noise scale {noise_scale:.4g}"}


def answer(request):
    """One line in, one line out. Nothing else may be printed; sys.stderr is free."""
    if "hello" in request:
        return {"protocol": 1, "version": "0.1", "controllers": [RULE]}
    if "decide" in request:
        return decide(request["decide"])
    if "save" in request:
        return {"state": state}
    if "create" in request:
        options.update(request["create"]["options"])
    if "load" in request:
        state.update(request["load"])
    return {}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
