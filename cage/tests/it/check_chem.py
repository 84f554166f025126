# Runs in the cage: `sections` are recorded calls; says in `different` which come out otherwise here.
from fractions import Fraction

compared = 0
different = []


def plain(value):
    if isinstance(value, Fraction):
        return {"num": str(value.numerator), "den": str(value.denominator)}
    return list(value) if isinstance(value, tuple) else value


for cases in sections.values():
    for case in cases:
        compared += 1
        options = {name: case[name] for name in ("exact", "ignore_state") if name in case}
        try:
            found = {"result": plain(getattr(chemcalc, case["fn"])(*case["args"], **options))}
        except Exception as error:
            found = {"error": type(error).__name__}
        if found != {name: case[name] for name in ("result", "error") if name in case}:
            different.append(case["args"])
