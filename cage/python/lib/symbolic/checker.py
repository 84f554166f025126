"""Compares a learner's expression with the expected one."""

import builtins
import html
import re
from xml.etree import ElementTree

import sympy

TOLERANCE = 0.001
MATHML = "{http://www.w3.org/1998/Math/MathML}"
# Names that stand for themselves, though SymPy has a meaning for them.
PLAIN = ("I", "N", "Q", "p", "g", "ZZ", "XI")
HARMLESS = frozenset(("abs", "max", "min", "pow", "round", "sum", "divmod", "len", "sorted"))
# An expression has no texts, no members and no names of Python's own workings, which begin with two underscores.
NOT_IN_EXPRESSIONS = re.compile(r"(?<!\w)__|[\"'`;\\]|(?<![0-9])\.\s*[A-Za-z_]|[A-Za-z_]\w*\s*\.\s*[A-Za-z_]")


def check(expect, given, options=None, dynamath=None):
    """Grades a learner's expression: returns `ok` and a message of HTML, `msg`. Numbers need to be near, no more.

    Args:
        expect: the expected expression, or none.
        given: what the learner typed.
        options: where it says `matrix`, lists of lists are matrices.
        dynamath: what the browser made of it in MathML, alone or in a list.
    """
    matrix = "matrix" in (options or "")
    try:
        wanted = read(expect, matrix)
    except Exception as error:
        message = f'Error {error} in parsing OUR expected answer "{expect}"'
        return _wrong(_alert(message))
    try:
        got = read(given, matrix)
    except Exception:
        # The browser may have understood it better.
        pass
    else:
        near = _is_near(wanted, got)
        if near is not None:
            return {"ok": True, "msg": ""} if near else _wrong(_entered(got))
        if wanted == got:
            return {"ok": True, "msg": _entered(got)}
    texts = dynamath if isinstance(dynamath, list) else [dynamath]
    if not texts or not texts[0]:
        message = f"[symmath_check] failed to get MathML for input; dynamath={dynamath}"
        return _wrong(html.escape(message, quote=False))
    try:
        got = read(_text_of_mathml(texts[0]), matrix)
    except Exception:
        return _wrong(_alert(f"Error in evaluating your expression '{given}' as a valid equation"))
    return {"ok": bool(wanted == got), "msg": _entered(got)}


def _wrong(message):
    return {"ok": False, "msg": message}


def _alert(message):
    return '<div class="capa_alert"><p>' + html.escape(message, quote=False) + "</p></div>"


def _names():
    """Gives what names mean that SymPy would read otherwise."""
    names = {name: sympy.Symbol(name) for name in PLAIN}
    # Functions of Python are no part of mathematics.
    for name, value in vars(builtins).items():
        if callable(value) and name not in HARMLESS and not hasattr(sympy, name):
            names[name] = sympy.Symbol(name)
    names.update(e=sympy.E, i=sympy.I, hat=sympy.Function("hat"))
    return names


def read(text, matrix):
    """Reads an expression; none stays none.

    Raises:
        SympifyError: where it is no expression.
        ValueError: where it asks for more than an expression may.
    """
    if text is None:
        return None
    if NOT_IN_EXPRESSIONS.search(text):
        raise ValueError("this is no expression")
    value = sympy.sympify(text, locals=_names())
    if matrix and isinstance(value, list) and value and all(isinstance(row, list) for row in value):
        value = sympy.Matrix(value)
    return value


def _number(value):
    """Gives the number that a value is, or none."""
    if not getattr(value, "is_number", False):
        return None
    number = complex(value)
    return number if abs(number) < float("inf") else None


def _is_near(wanted, got):
    """Says whether two numbers are nearly the same; none where one is no number."""
    try:
        wanted, got = _number(wanted), _number(got)
    except (TypeError, ValueError, OverflowError):
        return None
    if wanted is None or got is None:
        return None
    away = abs(wanted - got)
    return away / abs(wanted) < TOLERANCE if wanted else away < TOLERANCE


def _entered(value):
    """Tells the learner how the answer was read."""
    if value is None:
        return "<p>You entered: </p>"
    return "<p>You entered: [mathjax]" + html.escape(sympy.latex(value), quote=False) + "[/mathjax]<br></p>"


def _text_of_mathml(text):
    """Gives the text of a row of numbers, names and signs.

    Raises:
        ValueError: where anything is stacked, such as a power or a fraction.
    """
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError("this is no MathML") from error
    row = root.find(f"./{MATHML}mstyle/{MATHML}mrow")
    if row is None:
        row = root.find("./mstyle/mrow")
    if row is None or any(len(part) for part in row):
        raise ValueError("only a plain row can be read")
    return "".join(part.text or "" for part in row)
