"""Chemical expressions as learners type them: shown as HTML and compared.

An expression is molecules joined by `+`, each with a count (`2` or `1/2`) before and a phase (`(s)`, `(l)`, `(g)`,
`(aq)`) behind; an equation is two of them with an arrow between.
"""

import html
import re
from fractions import Fraction

ARROWS = ("<->", "->")
PHASES = ("(s)", "(l)", "(g)", "(aq)")
ELEMENTS = (
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb "
    "Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au "
    "Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Uut Fl Uup Lv "
    "Uus Uuo"
).split()
DEPTH = 100

# The longest token wins, so that `Co` is cobalt and `(s)` a phase.
_TOKENS = sorted([*ELEMENTS, *PHASES, *"0123456789[](){}^+-/"], key=len, reverse=True)
_TOKEN = re.compile("[ \t\r\n]*(" + "|".join(map(re.escape, _TOKENS)) + ")")
_CLOSING = {"(": ")", "[": "]"}


class ParseException(Exception):
    """An expression that breaks the grammar."""


def tokenize(text):
    """Takes a text apart.

    Raises:
        ParseException: where something is no element, number or sign.
    """
    end = len(text.rstrip(" \t\r\n"))
    tokens = []
    at = 0
    while at < end:
        found = _TOKEN.match(text, at)
        if not found:
            raise ParseException("not understood: " + text[at:])
        tokens.append(found.group(1))
        at = found.end()
    return tokens


class _Parser:
    """Reads tokens into molecules: `(count, parts, phase)`, with a count of a number or a pair, or none."""

    def __init__(self, text):
        self.tokens = tokenize(text)
        self.at = 0

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self, *wanted):
        token = self.peek()
        if token in wanted:
            self.at += 1
            return token
        return None

    def need(self, *wanted):
        token = self.take(*wanted)
        if token is None:
            raise ParseException("expected one of {}, found {!r}".format(", ".join(wanted), self.peek()))
        return token

    def number(self):
        digits = ""
        while True:
            digit = self.take(*"0123456789")
            if digit is None:
                return digits
            digits += digit

    def expression(self):
        molecules = [self.molecule()]
        while self.take("+"):
            molecules.append(self.molecule())
        if self.peek() is not None:
            raise ParseException(f"not understood: {self.peek()!r}")
        return molecules

    def molecule(self):
        count = self.number() or None
        if count and self.take("/"):
            below = self.number()
            if not below:
                raise ParseException("a fraction needs a number below")
            count = (count, below)
        parts = self.group(0)
        return count, parts, self.take(*PHASES)

    def group(self, depth):
        if depth > DEPTH:
            raise ParseException("nested too deeply")
        parts = []
        while True:
            token = self.peek()
            if token in _CLOSING:
                self.at += 1
                inner = self.group(depth + 1)
                what = (token, inner, self.need(_CLOSING[token]))
            elif token in _ELEMENT_SET:
                self.at += 1
                what = token
            else:
                break
            parts.append((what, self.number(), self.charge()))
        if not parts:
            raise ParseException(f"expected an element, found {self.peek()!r}")
        return tuple(parts)

    def charge(self):
        if not self.take("^"):
            return ""
        size = self.number()
        # One charge is not counted out; numbers beginning so have always been read like it.
        return ("" if size.startswith("1") else size) + self.need("+", "-")


_ELEMENT_SET = frozenset(ELEMENTS)


def _parse(text):
    return _Parser(text).expression()


def _ratio(count):
    if count is None:
        return 1
    if isinstance(count, str):
        return int(count)
    return int(count[0]) / int(count[1])


def divide_chemical_expression(s1, s2, ignore_state=False):
    """Gives by how much the first is more of the same than the second, and false where it is something else.

    Args:
        ignore_state: compares without phases.

    Raises:
        ParseException: where one is no chemical expression.
    """
    first, second = _parse(s1), _parse(s2)
    if len(first) != len(second):
        return False

    def order(molecule):
        return repr(molecule[1]), "" if ignore_state else molecule[2] or "", _ratio(molecule[0])

    first, second = sorted(first, key=order), sorted(second, key=order)
    if [order(one)[:2] for one in first] != [order(one)[:2] for one in second]:
        return False
    ratios = [_ratio(one[0]) / _ratio(other[0]) for one, other in zip(first, second)]
    if any(ratio != ratios[0] for ratio in ratios):
        return False
    return Fraction(ratios[0])


def compare_chemical_expression(s1, s2, ignore_state=False):
    """Says whether two expressions are as much of the same.

    Raises:
        ParseException: where one is no chemical expression.
    """
    return divide_chemical_expression(s1, s2, ignore_state) == 1


def split_on_arrow(eq):
    """Parts an equation at its arrow; arrow and right side are empty where there is none."""
    for arrow in ARROWS:
        left, found, right = eq.partition(arrow)
        if found:
            return left, found, right
    return eq, "", ""


def chemical_equations_equal(eq1, eq2, exact=False):
    """Says whether two equations tell the same reaction.

    Args:
        exact: wants the counts equal and not only proportional.
    """
    left1, arrow1, right1 = split_on_arrow(eq1)
    left2, arrow2, right2 = split_on_arrow(eq2)
    if not arrow1 or arrow1 != arrow2:
        return False
    try:
        left = divide_chemical_expression(left1, left2)
        right = divide_chemical_expression(right1, right2)
    except ParseException:
        return False
    if not left or left != right:
        return False
    return left == 1 or not exact


def render_to_html(eq):
    """Shows an expression or equation; what is none is shown as it is, marked as an error."""
    left, arrow, right = split_on_arrow(eq)
    shown = _side_to_html(left)
    if arrow:
        shown += {"->": "\u2192", "<->": "\u2194"}[arrow] + _side_to_html(right)
    return '<span class="math">' + shown + "</span>"


def _side_to_html(text):
    try:
        molecules = _parse(text)
    except ParseException:
        return (
            '<span class="inline-error inline">'
            + html.escape(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")
            + "</span>"
        )
    return "+".join(_count_to_html(count) + _parts_to_html(parts) + (phase or "") for count, parts, phase in molecules)


def _count_to_html(count):
    if isinstance(count, tuple):
        return "<sup>{}</sup>&frasl;<sub>{}</sub>".format(*count)
    return count or ""


def _parts_to_html(parts):
    out = ""
    for what, number, charge in parts:
        out += what if isinstance(what, str) else what[0] + _parts_to_html(what[1]) + what[2]
        if number:
            out += "<sub>" + number + "</sub>"
        if charge:
            out += "<sup>" + charge + "</sup>"
    return out
