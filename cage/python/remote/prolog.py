# Runs before the code of authors on a codejail service: what the platform gives scripts (random numbers of Python 2 by
# seed, and modules that are imported when they are used). `SEED` is filled in.
import os as _os

_os.environ["OPENBLAS_NUM_THREADS"] = "1"
_os.environ["TMPDIR"] = _os.environ["MPLCONFIGDIR"] = _os.path.join(_os.getcwd(), "tmp")

import importlib as _importlib
import sys
import types as _types

import random2 as random_module
from six.moves import xrange  # noqa: F401

random = random_module.Random(SEED)  # noqa: F821
random.Random = random_module.Random
random.SystemRandom = random_module.SystemRandom
sys.modules["random"] = random


class _Lazy(_types.ModuleType):
    def __init__(self, target):
        super().__init__(target)
        self.__dict__["_target"] = target

    def __getattr__(self, name, _importlib=_importlib):
        target = self.__dict__["_target"]
        real = _importlib.import_module(target)
        try:
            return getattr(real, name)
        except AttributeError:
            if name.startswith("__"):
                raise
        try:
            return _importlib.import_module(target + "." + name)
        except ImportError:
            raise AttributeError("module %r has no attribute %r" % (target, name)) from None


numpy, math, scipy, calc, eia = map(_Lazy, ("numpy", "math", "scipy", "calc", "eia"))
chemcalc, chemtools, miller = map(_Lazy, ("chem.chemcalc", "chem.chemtools", "chem.miller"))
draganddrop = _Lazy("verifiers.draganddrop")
del _os, _importlib, _types, _Lazy
