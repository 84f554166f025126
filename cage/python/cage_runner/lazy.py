"""Modules that are imported when they are first used; runs before scripts on a codejail service, too."""

import importlib
import types

#: What scripts find under a name without importing it.
NAMES = {
    "numpy": "numpy",
    "math": "math",
    "scipy": "scipy",
    "calc": "calc",
    "eia": "eia",
    "chemcalc": "chem.chemcalc",
    "chemtools": "chem.chemtools",
    "miller": "chem.miller",
    "draganddrop": "verifiers.draganddrop",
}


class LazyModule(types.ModuleType):
    """Stands for a module until an attribute of it is asked for; submodules are found without an import too."""

    def __init__(self, target):
        super().__init__(target)
        self.__dict__["_target"] = target

    def __getattr__(self, name):
        target = self.__dict__["_target"]
        real = importlib.import_module(target)
        try:
            return getattr(real, name)
        except AttributeError:
            if name.startswith("__"):
                raise
        try:
            return importlib.import_module(target + "." + name)
        except ImportError:
            raise AttributeError(f"module {target!r} has no attribute {name!r}") from None


def module(target):
    """Makes a stand-in for a module."""
    return LazyModule(target)
