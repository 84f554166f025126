"""Reads a formula into a tree of tuples, whose first item says what it is."""

import re

NUMBER = re.compile(r"[+-]?[ \t\r\n]*(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
EXPONENT = re.compile(r"[ \t\r\n]*[eE][ \t\r\n]*([+-]?)[ \t\r\n]*([0-9]+)")
PERCENT = re.compile(r"[ \t\r\n]*%")
TENSOR = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:(?:_\{[A-Za-z0-9]+\})?\^\{[A-Za-z0-9]+\}|_\{[A-Za-z0-9]+\})'*")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*'*")
BLANK = re.compile(r"[ \t\r\n]*")
DEPTH = 150


class ParseException(Exception):
    """A formula that breaks the grammar."""


class UnmatchedParenthesis(Exception):
    """A parenthesis without its other half."""


def check_parentheses(text):
    """Counts parentheses before anything else is looked at.

    Raises:
        UnmatchedParenthesis: with a message for the learner.
    """
    count = 0
    for index, character in enumerate(text):
        if character == "(":
            count += 1
        elif character == ")":
            count -= 1
            if count < 0:
                raise UnmatchedParenthesis(
                    "Invalid Input: A closing parenthesis was found after segment "
                    f"{text[:index]}, but there is no matching opening parenthesis before it."
                )
    if count > 0:
        raise UnmatchedParenthesis(
            f"Invalid Input: Parentheses are unmatched. {count} parentheses were opened but never closed."
        )


class Parser:
    """Reads one formula, from its loosest binding to its tightest."""

    def __init__(self, text):
        self.text = text
        self.at = 0
        self.depth = 0

    def parse(self):
        """Reads the whole text.

        Raises:
            ParseException: where it is no formula.
        """
        tree = self.sum()
        self.skip()
        if self.at != len(self.text):
            raise ParseException(self.text[self.at :])
        return tree

    def skip(self):
        """Passes over blanks."""
        self.at = BLANK.match(self.text, self.at).end()

    def take(self, literal):
        """Takes a sign if it comes next."""
        self.skip()
        if self.text.startswith(literal, self.at):
            self.at += len(literal)
            return True
        return False

    def match(self, pattern):
        """Takes what matches a pattern if it comes next."""
        found = pattern.match(self.text, self.at)
        if found:
            self.at = found.end()
        return found

    def sum(self):
        """Reads terms that are added, with a sign before the first."""
        self.depth += 1
        if self.depth > DEPTH:
            raise ParseException("nested too deeply")
        sign = "+" if self.take("+") else "-" if self.take("-") else None
        terms = [(sign, self.product())]
        while True:
            if self.take("+"):
                terms.append(("+", self.product()))
            elif self.take("-"):
                terms.append(("-", self.product()))
            else:
                break
        self.depth -= 1
        return terms[0][1] if len(terms) == 1 and sign is None else ("sum", terms)

    def product(self):
        """Reads factors."""
        factors = [(None, self.parallel())]
        while True:
            if self.take("*"):
                factors.append(("*", self.parallel()))
            elif self.take("/"):
                factors.append(("/", self.parallel()))
            else:
                return factors[0][1] if len(factors) == 1 else ("product", factors)

    def parallel(self):
        """Reads resistors side by side."""
        parts = [self.power()]
        while self.take("||"):
            parts.append(self.power())
        return parts[0] if len(parts) == 1 else ("parallel", parts)

    def power(self):
        """Reads a base with its exponents."""
        parts = [self.atom()]
        while self.take("^"):
            parts.append(self.atom())
        return parts[0] if len(parts) == 1 else ("power", parts)

    def atom(self):
        """Reads a number, a function with its argument, a variable or what stands in parentheses."""
        self.skip()
        number = self.match(NUMBER)
        if number:
            return self.number("".join(number.group().split()))
        if self.take("("):
            return ("parentheses", self.closed())
        start = self.at
        name = self.match(NAME)
        if name and self.take("("):
            return ("function", name.group(), self.closed())
        self.at = start
        variable = self.match(TENSOR) or self.match(NAME)
        if not variable:
            raise ParseException(self.text[self.at :])
        return ("variable", variable.group())

    def closed(self):
        """Reads up to the closing parenthesis."""
        inner = self.sum()
        if not self.take(")"):
            raise ParseException(self.text[self.at :])
        return inner

    def number(self, mantissa):
        """Reads what may follow the digits of a number."""
        exponent = self.match(EXPONENT)
        percent = self.match(PERCENT)
        return ("number", mantissa, "".join(exponent.groups()) if exponent else None, bool(percent))


def names(tree, kind):
    """Collects the names of variables or functions in a tree."""
    found = set()
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, tuple):
            if node[0] == kind:
                found.add(node[1])
            stack.extend(node[1:])
        elif isinstance(node, list):
            stack.extend(node)
    return found
