"""A number by hand, then what every controller promises (batchlab plugin check)."""
import pathlib
import subprocess

import controller

controller.answer({"create": {"options": {"progress": 0.75}}})
assert controller.answer({"decide": {}})["batch_size"] == 32
# B = S progress / (1 - progress) = 300 x 0.75 / 0.25 = 900
assert controller.answer({"decide": {"noise_scale": 300.0}})["batch_size"] == 900
program = pathlib.Path(controller.__file__).resolve()
subprocess.run(["batchlab", "plugin", "check", str(program)], check=True)
