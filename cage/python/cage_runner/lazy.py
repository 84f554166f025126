"""Modules that are imported when they are first used."""

import importlib
import types


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
