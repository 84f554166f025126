#!/usr/bin/env python3
"""The main job on one course, told step by step: import, publish, compare, render, answer, serve.

    demo.py COURSE [--serve 0|1] [--port N]

Runs the `courseware` command as an operator would and prints what it runs. Leaves its stores in `demo-store/`, after
removing those of the last demo.
Exits 1 where the two stores differ or something cannot be done.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
from collections import Counter
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parent.parent
COURSEWARE = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "release/courseware"
STORES = ROOT / "demo-store"
BLOCKSTORE = f"blockstore:{STORES / 'blockstore'}"
MODULESTORE = f"modulestore:{STORES / 'modulestore.sqlite3'}"
#: What is not part of the tree: a file each in these folders.
DETACHED = {"about", "course_info", "static_tab"}


def shown(argument: object) -> str:
    """Shortens paths to what a reader would type in the project's folder."""
    return str(argument).replace(f"{ROOT}{os.sep}", "")


def courseware(*arguments: object, ok: tuple[int, ...] = (0,)) -> Any:
    """Runs the command with --json and returns what it printed."""
    print(f"\n$ courseware {' '.join(shown(a) for a in arguments)}")
    done = subprocess.run([COURSEWARE, *map(str, arguments), "--json"], capture_output=True, text=True)
    if done.returncode not in ok:
        sys.stderr.write(done.stderr)
        sys.exit(f"the command ended with {done.returncode}")
    return json.loads(done.stdout)


def count(store: str, context: str, branch: str) -> Counter[str]:
    """Counts the blocks of a branch by type."""
    listed = subprocess.run(
        [COURSEWARE, "tree", context, "--store", store, "--branch", branch, "--json"],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    found: Counter[str] = Counter()

    def visit(node: dict[str, Any]) -> None:
        found[node["block_type"]] += 1
        for child in node.get("children", ()):
            visit(child)

    tree = json.loads(listed.stdout)
    visit(tree["root"])
    for node in tree["outside"]:
        visit(node)
    return found


def flat(node: dict[str, Any]) -> list[dict[str, Any]]:
    """Lists a node and everything below it, in order."""
    return [node, *(below for child in node.get("children", ()) for below in flat(child))]


def answer(store: str, problem: dict[str, Any]) -> None:
    """Answers one problem wrongly and rightly, as two learners."""
    print(f"\n  The problem is \u201c{problem['display_name']}\u201d.")
    right = [f"{name}={value}" for name, value in problem["answers"]]
    wrong = [
        f"{name}={'choice_99' if value.startswith('choice_') else 'surely not this'}"
        for name, value in problem["answers"]
    ]
    for learner, given, expected in (("ada", wrong, "incorrect"), ("grace", right, "correct")):
        done = courseware("submit", problem["usage"], "--store", store, "--user", learner, *given)
        grade = done["grade"] or {"value": 0, "max_value": 0}
        print(f"  {learner}: {done['success']}, {grade['value']:g} of {grade['max_value']:g} points")
        if done["success"] != expected:
            sys.exit(f"the answer should be {expected}")


def begin_anew() -> None:
    """Removes the stores of the last demo, with the answers given in it, and nothing else."""
    if STORES.is_symlink():
        sys.exit(f"demo: {shown(STORES)} is a link; remove it, so that the demo's stores have a place of their own")
    if STORES.exists():
        print(f"Removing {shown(STORES)}/, the stores of the last demo.")
        shutil.rmtree(STORES)


def main() -> None:
    parser = argparse.ArgumentParser(description="The main job on one course.")
    parser.add_argument("course", type=pathlib.Path)
    parser.add_argument("--serve", choices=("0", "1"), default="1")
    parser.add_argument("--port", default="8765")
    options = parser.parse_args()
    began = time.monotonic()
    if not options.course.exists():
        sys.exit(f"demo: there is no course {options.course}")
    begin_anew()

    report = courseware("import", options.course, "--store", BLOCKSTORE)
    context = report["context"]
    for remark in report["diagnostics"]:
        place = ":".join(str(remark[part]) for part in ("file", "line", "column") if remark.get(part) is not None)
        print(f"  {remark['severity']}[{remark['code']}] {place}: {remark['message']}")
    print(f"  {report['blocks']} blocks, {report['drafts']} with unpublished changes, {report['assets']} static files")

    published = courseware("publish", context, "--from", BLOCKSTORE, "--to", MODULESTORE)
    print(f"  {published['blocks']} blocks and {published['assets']} static files are published in both stores")

    compared = courseware("compare", context, BLOCKSTORE, MODULESTORE, ok=(0, 1))
    found = len(compared["differences"])
    looked_at = f"{compared['blocks']} blocks, {compared['fields']} fields, {compared['assets']} files"
    print(f"  {looked_at}: {found} differences")

    tree = courseware("tree", context, "--store", MODULESTORE, "--branch", "published")
    nodes = flat(tree["root"])
    unit = next((n["usage"] for n in nodes if n["block_type"] == "vertical"), tree["root"]["usage"])
    fragment = courseware("render", unit, "--store", MODULESTORE)
    print(f"  {len(fragment['content'])} characters of HTML, {len(fragment['resources'])} resources")

    gradable = courseware("problems", context, "--store", MODULESTORE)["problems"]
    native = [problem for problem in gradable if problem["gradable"]]
    if native:
        answer(MODULESTORE, native[0])
    else:
        print("\n  This course has no problem that can be graded natively yet.")

    left, right = (count(store, context, "published") for store in (BLOCKSTORE, MODULESTORE))
    print(f"\n{'block type':<20}{'Blockstore':>12}{'Modulestore':>13}")
    for block_type in sorted(left | right):
        print(f"{block_type:<20}{left[block_type]:>12}{right[block_type]:>13}")
    print(f"{'all':<20}{left.total():>12}{right.total():>13}")
    print(f"{len(native)} of {len(gradable)} problems are graded natively.")
    took = time.monotonic() - began
    print(f"\n{shown(options.course)}: {found} differences between the stores; {took:.1f} s.")
    if found:
        sys.exit(1)
    if options.serve == "1":
        print("If that port is taken: make demo PORT=8080", flush=True)
        os.execv(COURSEWARE, [str(COURSEWARE), "serve", MODULESTORE, "--port", options.port])
    print(f"To look at it: {shown(COURSEWARE)} serve {shown(MODULESTORE)}")


if __name__ == "__main__":
    main()
