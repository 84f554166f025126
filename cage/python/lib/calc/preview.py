"""Shows a formula as LaTeX, as learners see it beside what they type."""

from calc import formula

_SMALL_GREEK = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi varphi chi psi omega"
).split()
SYMBOLS = {*_SMALL_GREEK, *(name.capitalize() for name in _SMALL_GREEK), "hbar", "infty"}
LOGARITHMS = {"log10": r"\log_{10}", "log2": r"\log_2"}


def latex_preview(math_expr, variables=(), functions=(), case_sensitive=False):
    """Writes a formula in LaTeX, nothing for nothing. Names need not be known.

    Raises:
        ParseException: where it is no formula.
    """
    if not math_expr.strip():
        return ""
    return _show(formula.Parser(math_expr.strip()).parse())[0]


def _show(tree):
    """Gives the LaTeX of a tree, and whether it is taller than a line."""
    return _SHOWS[tree[0]](*tree[1:])


def _in_parentheses(latex, tall):
    return rf"\left({latex}\right)" if tall else f"({latex})"


def _without_parentheses(tree):
    return _show(tree[1] if tree[0] == "parentheses" else tree)


def _number(mantissa, exponent, is_percent):
    latex = mantissa
    if exponent is not None:
        latex += r"\!\times\!10^{" + exponent + "}"
    return latex + (r"\text{%}" if is_percent else ""), exponent is not None


def _name(name):
    return "\\" + name if name in SYMBOLS else name


def _variable(name):
    head, _, rest = name.partition("_")
    if not rest:
        return _name(name).replace("_", r"\_"), False
    return _name(head) + "_{" + _name(rest).replace("_", r"\_") + "}", False


def _parentheses(inner):
    latex, tall = _show(inner)
    return _in_parentheses(latex, tall), tall


def _function(name, argument):
    latex, tall = _show(argument)
    if name == "sqrt":
        return r"\sqrt{" + latex + "}", tall
    return LOGARITHMS.get(name, r"\text{" + name + "}") + _in_parentheses(latex, tall), tall


def _power(parts):
    latex = _without_parentheses(parts[-1])[0]
    for part in reversed(parts[:-1]):
        latex = _show(part)[0] + "^{" + latex + "}"
    return latex, True


def _parallel(parts):
    shown = [_show(part) for part in parts]
    return r"\|".join(latex for latex, _ in shown), any(tall for _, tall in shown)


def _fraction(above, below):
    """Shows factors over factors; one alone needs no parentheses there."""

    def side(parts):
        return _without_parentheses(parts[0])[0] if len(parts) == 1 else _factors(parts)[0]

    return r"\frac{" + side(above) + "}{" + side(below) + "}"


def _factors(parts):
    shown = [_show(part) for part in parts]
    return r"\cdot ".join(latex for latex, _ in shown), any(tall for _, tall in shown)


def _product(factors):
    above, below = [], []
    shown, tall = [], False

    def close():
        nonlocal tall
        if below:
            shown.append(_fraction(above, below))
            tall = True
        else:
            latex, is_tall = _factors(above)
            shown.append(latex)
            tall = tall or is_tall

    for sign, part in factors:
        if sign == "/":
            below.append(part)
        else:
            # What is multiplied after a division stands beside the fraction.
            if below:
                close()
                above, below = [], []
            above.append(part)
    close()
    return r"\cdot ".join(shown), tall


def _sum(terms):
    latex, any_tall = "", False
    for sign, part in terms:
        shown, tall = _show(part)
        latex += (sign or "") + shown
        any_tall = any_tall or tall
    return latex, any_tall


_SHOWS = {
    "number": _number,
    "variable": _variable,
    "parentheses": _parentheses,
    "function": _function,
    "power": _power,
    "parallel": _parallel,
    "product": _product,
    "sum": _sum,
}
