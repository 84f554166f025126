"""Runs one piece of an author's code as the code jail does: prolog, code, and back what JSON can hold."""

import gc
import io
import json
import os
import resource
import struct
import sys
import traceback
import types
import zipfile

from cage_runner import lazy, memory_modules, random2, safe_json

# One line, so that the author's lines keep their numbers but for one. It is a statement, as the code jail begins with
# some: a text that comes next is no documentation, and no `from __future__` may follow.
PROLOG = "0\n"


def warm():
    """Does once what every run would do anew."""
    compile("pass", "<string>", "exec")
    traceback.format_exc()
    json.loads(json.dumps({"a": [1.5, None, True, "x"]}))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("warm.py", "")
    unpack(buffer.getvalue())
    generator = random2.Random(1)
    generator.random()
    execute("a = 1\ndef f(x):\n    return [y for y in x]\nb = f({1: 2})", {}, set())
    execute("1 / 0", {}, set())


def warm_large():
    """Does once what SymPy does when it is first used, which takes longer than most scripts."""
    sympy = sys.modules.get("sympy")
    if sympy is not None:
        str(sympy.simplify(sympy.sympify("sin(y)**2 + cos(y)**2 + x/2")))


def touch():
    """Writes to the memory that nearly every run writes to, while there is time: its first writes copy it."""
    compile("pass", "<string>", "exec")
    json.loads(json.dumps({"a": [1.5, None, True, "x"]}))
    random2.Random(1).random()
    execute("a = 1\ndef f(x):\n    return [y for y in x]\nb = f({1: 2})", {}, set())


def forget_random_state(request):
    """Gives a run of NumPy its own random numbers; forked processes would all draw the same."""
    numpy_random = sys.modules.get("numpy.random")
    code = request["code"]
    if numpy_random is not None and (request["files"] or "numpy" in code or "scipy" in code):
        numpy_random.seed()


def unpack(archive):
    """Reads a zip archive into a mapping of path to bytes."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {entry.filename: opened.read(entry) for entry in opened.infolist() if not entry.is_dir()}


def read_exactly(descriptor, count):
    """Reads a number of bytes."""
    parts = []
    while count:
        part = os.read(descriptor, min(count, 1 << 20))
        if not part:
            raise EOFError("the request is cut off")
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def read_request(descriptor):
    """Reads the request: a JSON head and the files it names, each after its length."""
    (length,) = struct.unpack("<Q", read_exactly(descriptor, 8))
    request = json.loads(read_exactly(descriptor, length))
    request["files"] = {name: read_exactly(descriptor, size) for name, size in request["files"]}
    return request


def write_reply(descriptor, reply):
    """Writes the answer after its length, all of it."""
    data = memoryview(struct.pack("<Q", len(reply)) + reply)
    while data:
        data = data[os.write(descriptor, data) :]


def limit(limits):
    """Sets the limits the kernel watches over."""
    cpu = limits["cpu"]
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
    resource.setrlimit(resource.RLIMIT_AS, (limits["memory"], limits["memory"]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def add_files(files, path):
    """Makes the modules of a course importable: archives as they are named, folders by the search path."""
    if files:
        memory_modules.lend(files)
    for name in path:
        if name.endswith(".zip"):
            if name in files:
                try:
                    memory_modules.install(unpack(files[name]), name)
                except Exception as error:
                    memory_modules.tell_of_broken(name, error)
        else:
            prefix = name.rstrip("/") + "/"
            inside = {entry[len(prefix) :]: data for entry, data in files.items() if entry.startswith(prefix)}
            memory_modules.install(inside, name)


def environment():
    """Sets what authors' code finds in its environment and nothing else."""
    os.environ.clear()
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    os.environ["TMPDIR"] = os.environ["MPLCONFIGDIR"] = "/tmp"


def carry_out(descriptor, limits, confinement):
    """Reads a request, closes the cage, runs the code and answers."""
    request = read_request(descriptor)
    limit(limits)
    environment()
    forget_random_state(request)
    gc.enable()
    add_files(request["files"], request["python_path"])
    names = safe_json.decode(request["globals"])
    seed = request["seed"]
    generator = random2.Random(None if seed is None else int(seed))
    random2.stand_in(generator)
    module = types.ModuleType("__main__")
    names.update(
        __name__="__main__",
        __builtins__=__builtins__,
        sys=sys,
        xrange=range,
        random_module=random2,
        random=generator,
    )
    for name, target in lazy.NAMES.items():
        names[name] = lazy.module(target)
    given = set(names) - set(request["globals"])
    sys.modules["__main__"] = module
    confinement.close_system_calls()
    reply = execute(request["code"], names, given)
    write_reply(descriptor, reply)


def execute(code, names, given):
    """Runs the code and makes the answer."""
    try:
        exec(compile(PROLOG + code, "<string>", "exec", dont_inherit=True), names)
    except SystemExit as end:
        return json.dumps({"exit": end.code if isinstance(end.code, (int, type(None))) else 1}).encode()
    except BaseException as error:
        return json.dumps(describe(error)).encode()
    kept = {name: value for name, value in names.items() if name not in given or is_own(name, value)}
    return json.dumps({"globals": safe_json.encode_names(kept)}).encode()


def is_own(name, value):
    """Says whether the author gave a name of ours a value of their own."""
    return isinstance(value, safe_json.KINDS) and name not in ("__name__", "__builtins__")


def describe(error):
    """Says what was raised and where: Python's own text, its last line, and the author's line."""
    line = None
    if isinstance(error, SyntaxError) and error.filename == "<string>":
        line = error.lineno
    else:
        step = error.__traceback__
        while step is not None:
            if step.tb_frame.f_code.co_filename == "<string>":
                line = step.tb_lineno
            step = step.tb_next
    # The first frame is this file's.
    frames = error.__traceback__.tb_next if error.__traceback__ else None
    try:
        text = "".join(traceback.format_exception(type(error), error, frames))
    except BaseException:
        text = type(error).__name__
    return {
        "error": type(error).__name__,
        "traceback": text[-20000:],
        "last": text.rstrip().rsplit("\n", 1)[-1][-4000:],
        "line": line - 1 if line else None,
    }
