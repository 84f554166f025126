"""Grades what courses show as correct, and what else is correct, by the courses' own code in plain Python.

Standard input: ``{"course": folder, "library": archive or null, "problems": [name], "given": {name: [answer,
...]}}``, the answers in the order of the inputs. Standard output: for each problem ``{"error": text}`` where its
script fails, else ``{"shown": bool or null, "given": bool or null}``: whether its code takes the answers it shows,
and those given.
"""

import json
import math
import os
import random
import sys
import xml.etree.ElementTree as ElementTree

INPUTS = {"textline", "formulaequationinput", "jsinput", "designprotein2dinput", "schematic"}


def is_right(said):
    """Says whether a check function takes an answer as correct."""
    if isinstance(said, dict):
        if "input_list" in said:
            return all(is_right(entry) for entry in said["input_list"])
        said = said["ok"]
    return said is True or str(said).lower() in ("true", "correct") or said == 1


def takes(response, names, answers):
    """Says whether the code of a question takes answers as correct; none where they are not all there."""
    if None in answers:
        return None
    if response.tag == "schematicresponse":
        names = {**names, "submission": [json.loads(answer) for answer in answers]}
        exec(response.find("answer").text, names)
        return all(mark == "correct" for mark in names["correct"])
    answer = answers[0] if len(answers) == 1 else answers
    try:
        return is_right(names[response.get("cfn")](response.get("expect"), answer))
    except Exception as error:
        # How the graders of courses refuse what they cannot read.
        print(type(error).__name__, error, file=sys.stderr)
        return False


def tried(path, given):
    """Runs the scripts of a problem and tries the answers to what code grades."""
    problem = ElementTree.parse(path).getroot()
    scripts = [script for script in problem.iter("script") if "javascript" not in script.get("type", "")]
    names = {"random": random.Random(1), "math": math}
    try:
        exec("".join(script.text for script in scripts), names)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    inputs = [element for element in problem.iter() if element.tag in INPUTS]
    outcome = {"shown": [], "given": []}
    for response in problem.iter():
        if response.tag not in ("customresponse", "schematicresponse"):
            continue
        own = [element for element in response.iter() if element.tag in INPUTS]
        shown = [element.get("correct_answer") for element in own]
        if len(own) == 1 and response.get("expect"):
            shown = [response.get("expect")]
        outcome["shown"].append(takes(response, names, shown))
        outcome["given"].append(takes(response, names, [given[inputs.index(one)] if given else None for one in own]))
    return {name: None if None in found else all(found) for name, found in outcome.items()}


def main():
    """Reads what to try and prints what came of it."""
    asked = json.load(sys.stdin)
    if asked["library"]:
        sys.path.insert(0, asked["library"])
        # Some libraries open themselves, where code jails put them.
        os.chdir(os.path.dirname(asked["library"]))
    out = sys.stdout
    # Scripts print, too.
    sys.stdout = sys.stderr
    found = {}
    for name in asked["problems"]:
        path = os.path.join(asked["course"], "problem", name + ".xml")
        found[name] = tried(path, asked["given"].get(name))
    json.dump(found, out)


main()
