# Runs before the code of authors on a codejail service: what the platform gives scripts (random numbers of Python 2 by
# seed, and modules that are imported when they are used). `SEED` is filled in, and `LAZY_SOURCE` with the text of
# `cage_runner/lazy.py`, which is not there to be imported.
import os as _os

_os.environ["OPENBLAS_NUM_THREADS"] = "1"
_os.environ["TMPDIR"] = _os.environ["MPLCONFIGDIR"] = _os.path.join(_os.getcwd(), "tmp")

import sys

import random2 as random_module
from six.moves import xrange  # noqa: F401

random = random_module.Random(SEED)  # noqa: F821
random.Random = random_module.Random
random.SystemRandom = random_module.SystemRandom
sys.modules["random"] = random

_lazy = {"__name__": "lazy"}
exec(LAZY_SOURCE, _lazy)  # noqa: F821
for _name, _target in _lazy["NAMES"].items():
    globals()[_name] = _lazy["module"](_target)
del _os, _lazy, _name, _target
