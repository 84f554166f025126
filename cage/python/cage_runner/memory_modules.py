"""Imports modules from sources in memory: our own, and those a course brings."""

import builtins
import importlib.abc
import importlib.util
import io
import sys


class MemoryFinder(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds modules among files given as a mapping of path to bytes or text."""

    def __init__(self, files, label):
        self.files = files
        self.label = label

    def _locate(self, name):
        path = name.replace(".", "/")
        for candidate, is_package in ((path + "/__init__.py", True), (path + ".py", False)):
            if candidate in self.files:
                return candidate, is_package
        return None

    def find_spec(self, fullname, path=None, target=None):
        located = self._locate(fullname)
        if located is None:
            # A folder without `__init__.py` is a package too, if anything lies in it.
            prefix = fullname.replace(".", "/") + "/"
            if not any(name.startswith(prefix) and name.endswith(".py") for name in self.files):
                return None
            spec = importlib.util.spec_from_loader(fullname, None, is_package=True)
            spec.submodule_search_locations = [self.label + "/" + prefix]
            return spec
        candidate, is_package = located
        spec = importlib.util.spec_from_loader(fullname, self, is_package=is_package)
        spec.origin = self.label + "/" + candidate
        # Libraries look at where they are to find their parts.
        spec.has_location = True
        return spec

    def is_package(self, fullname):
        located = self._locate(fullname)
        if located is None:
            raise ImportError(fullname)
        return located[1]

    def get_source(self, fullname):
        located = self._locate(fullname)
        if located is None:
            raise ImportError(fullname)
        source = self.files[located[0]]
        return source if isinstance(source, str) else importlib.util.decode_source(source)

    def get_code(self, fullname):
        source = self.get_source(fullname)
        return compile(source, self.label + "/" + self._locate(fullname)[0], "exec", dont_inherit=True)

    def exec_module(self, module):
        exec(self.get_code(module.__name__), module.__dict__)

    def get_data(self, path):
        """Returns a data file that lies beside the modules."""
        name = path[len(self.label) + 1 :] if path.startswith(self.label + "/") else path
        if name not in self.files:
            raise OSError("no such file: " + path)
        data = self.files[name]
        return data.encode() if isinstance(data, str) else data


class BrokenArchive(importlib.abc.MetaPathFinder):
    """Says of modules found nowhere that the archive they may be in cannot be read; Python passes over it."""

    def __init__(self, label, reason):
        self.label = label
        self.reason = reason

    def find_spec(self, fullname, path=None, target=None):
        message = "No module named %r (%s cannot be read: %s)" % (fullname, self.label, self.reason)
        raise ModuleNotFoundError(message, name=fullname)


def tell_of_broken(label, error):
    """Makes imports that fail name the archive that cannot be read."""
    sys.meta_path.append(BrokenArchive(label, str(error) or type(error).__name__))


def lend(files):
    """Lets files be opened for reading by their names, as if they lay in the folder that code runs in."""
    elsewhere = io.open

    def open_file(file, mode="r", *arguments, **options):
        if not isinstance(file, str) or file not in files or not set(mode) <= set("rbt"):
            return elsewhere(file, mode, *arguments, **options)
        stream = io.BytesIO(files[file])
        if "b" in mode:
            return stream
        return io.TextIOWrapper(stream, encoding=options.get("encoding", "utf-8"), newline=options.get("newline"))

    builtins.open = io.open = open_file


def install(files, label, first=False):
    """Makes modules importable; `first` before all others."""
    finder = MemoryFinder(files, label)
    sys.meta_path.insert(0, finder) if first else sys.meta_path.append(finder)
    return finder
