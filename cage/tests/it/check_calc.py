# Runs in the cage: `sections` are recorded formulas; says in `different` which come out otherwise here.
NUMBERS = {"nan": float("nan"), "inf": float("inf"), "-inf": -float("inf")}
compared = 0
different = []


def value_of(recorded):
    return NUMBERS.get(recorded, recorded) if isinstance(recorded, str) else recorded


def close(found, recorded):
    recorded = value_of(recorded)
    if math.isnan(found) or math.isnan(recorded):
        return math.isnan(found) and math.isnan(recorded)
    return found == recorded or abs(found - recorded) <= 1e-12 * max(1, abs(recorded))


def is_same(found, recorded):
    if recorded["kind"] == "int":
        return isinstance(found, (int, numpy.integer)) and str(int(found)) == recorded["int"]
    if recorded["kind"] == "float":
        return isinstance(found, (float, numpy.floating)) and close(float(found), recorded["re"])
    found = complex(found)
    return close(found.real, recorded["re"]) and close(found.imag, recorded["im"])


for section, cases in sections.items():
    if section == "preview":
        continue
    for case in cases:
        compared += 1
        variables = {
            name: complex(*value) if isinstance(value, list) else value
            for name, value in case.get("variables", {}).items()
        }
        try:
            found = calc.evaluator(variables, {}, case["expr"], case.get("case_sensitive", False))
            same = "value" in case and is_same(found, case["value"])
        except Exception as error:
            expected = case.get("error", {})
            same = type(error).__name__ == expected.get("class")
            same = same and expected.get("message") in (None, str(error))
        if not same:
            different.append(case["expr"])
