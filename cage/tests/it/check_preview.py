# Runs in the cage: `cases` are recorded formulas; says in `different` which are shown otherwise here.
from calc.preview import latex_preview

compared = 0
different = []
for case in cases:
    compared += 1
    try:
        found = latex_preview(case["expr"])
    except Exception as error:
        found = type(error).__name__
    if found != case.get("latex", case.get("error", {}).get("class")):
        different.append([case["expr"], found])
