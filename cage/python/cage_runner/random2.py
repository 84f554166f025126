"""Random numbers as Python 2.7 draws them, whatever Python this is: course content relies on its streams.

The generator (MT19937) is the same in all versions; what is made of its output is not.
"""

import _random
import binascii
import math
import os
import sys
import types

MAX_WIDTH = 1 << 53
TWO_PI = 2.0 * math.pi
NORMAL_MAGIC = 4 * math.exp(-0.5) / math.sqrt(2.0)
GAMMA_MAGIC = 1.0 + math.log(4.5)
LOG_4 = math.log(4.0)


class Random(_random.Random):
    """A generator with the distributions of Python 2.7."""

    def __new__(cls, *_, **__):
        return super().__new__(cls)

    def __init__(self, x=None):
        self.gauss_next = None
        self.seed(x)

    def seed(self, a=None, *_):
        """Begins the stream that belongs to a value."""
        if a is None:
            a = int(binascii.hexlify(os.urandom(32)), 16)
        super().seed(a)
        self.gauss_next = None

    def getstate(self):
        """Returns what `setstate` takes."""
        return 3, super().getstate(), self.gauss_next

    def setstate(self, state):
        """Goes on where `getstate` was called."""
        _, internal, self.gauss_next = state
        super().setstate(internal)

    def jumpahead(self, n):
        """Moves on to a place far from here."""
        state = hash((n, super().getstate()))
        super().seed(state)

    def __reduce__(self):
        return Random, (), self.getstate()

    def __getstate__(self):
        return self.getstate()

    def __setstate__(self, state):
        self.setstate(state)

    def _below(self, n):
        if n < MAX_WIDTH:
            return int(self.random() * n)
        bits = int(1.00001 + math.log(n - 1, 2.0))
        drawn = self.getrandbits(bits)
        while drawn >= n:
            drawn = self.getrandbits(bits)
        return drawn

    def randrange(self, start, stop=None, step=1):
        """Draws from `range(start, stop, step)`."""
        first = int(start)
        if first != start:
            raise ValueError("non-integer arg 1 for randrange()")
        if stop is None:
            if first <= 0:
                raise ValueError("empty range for randrange()")
            return self._below(first)
        last = int(stop)
        if last != stop:
            raise ValueError("non-integer stop for randrange()")
        width = last - first
        if step == 1:
            if width <= 0:
                raise ValueError("empty range for randrange() (%d,%d, %d)" % (first, last, width))
            return first + self._below(width)
        stride = int(step)
        if stride != step:
            raise ValueError("non-integer step for randrange()")
        if stride == 0:
            raise ValueError("zero step for randrange()")
        count = (width + stride + (-1 if stride > 0 else 1)) // stride
        if count <= 0:
            raise ValueError("empty range for randrange()")
        return first + stride * self._below(count)

    def randint(self, a, b):
        """Draws an integer, both ends included."""
        return self.randrange(a, b + 1)

    def choice(self, seq):
        """Draws an item."""
        return seq[int(self.random() * len(seq))]

    def shuffle(self, x, random=None):
        """Shuffles a list in place."""
        draw = random or self.random
        for i in reversed(range(1, len(x))):
            j = int(draw() * (i + 1))
            x[i], x[j] = x[j], x[i]

    def sample(self, population, k):
        """Draws distinct items."""
        n = len(population)
        if not 0 <= k <= n:
            raise ValueError("sample larger than population")
        k = int(k)
        set_size = 21
        if k > 5:
            set_size += 4 ** math.ceil(math.log(k * 3, 4))
        if n <= set_size or hasattr(population, "keys"):
            pool = list(population)
            drawn = []
            for i in range(k):
                j = int(self.random() * (n - i))
                drawn.append(pool[j])
                pool[j] = pool[n - i - 1]
            return drawn
        try:
            seen = set()
            drawn = []
            for _ in range(k):
                j = int(self.random() * n)
                while j in seen:
                    j = int(self.random() * n)
                seen.add(j)
                drawn.append(population[j])
            return drawn
        except (TypeError, KeyError):
            if isinstance(population, list):
                raise
            return self.sample(tuple(population), k)

    def uniform(self, a, b):
        """Draws evenly between two numbers."""
        return a + (b - a) * self.random()

    def triangular(self, low=0.0, high=1.0, mode=None):
        """Draws from the triangular distribution."""
        u = self.random()
        try:
            c = 0.5 if mode is None else (mode - low) / (high - low)
        except ZeroDivisionError:
            return low
        if u > c:
            u = 1.0 - u
            c = 1.0 - c
            low, high = high, low
        return low + (high - low) * (u * c) ** 0.5

    def normalvariate(self, mu, sigma):
        """Draws from the normal distribution."""
        while True:
            u1 = self.random()
            u2 = 1.0 - self.random()
            z = NORMAL_MAGIC * (u1 - 0.5) / u2
            if z * z / 4.0 <= -math.log(u2):
                return mu + z * sigma

    def lognormvariate(self, mu, sigma):
        """Draws a number whose logarithm is normal."""
        return math.exp(self.normalvariate(mu, sigma))

    def expovariate(self, lambd):
        """Draws from the exponential distribution."""
        return -math.log(1.0 - self.random()) / lambd

    def vonmisesvariate(self, mu, kappa):
        """Draws an angle."""
        if kappa <= 1e-6:
            return TWO_PI * self.random()
        a = 1.0 + math.sqrt(1.0 + 4.0 * kappa * kappa)
        b = (a - math.sqrt(2.0 * a)) / (2.0 * kappa)
        r = (1.0 + b * b) / (2.0 * b)
        while True:
            z = math.cos(math.pi * self.random())
            f = (1.0 + r * z) / (r + z)
            c = kappa * (r - f)
            u2 = self.random()
            if u2 < c * (2.0 - c) or u2 <= c * math.exp(1.0 - c):
                break
        turn = math.acos(f)
        return (mu % TWO_PI) + turn if self.random() > 0.5 else (mu % TWO_PI) - turn

    def gammavariate(self, alpha, beta):
        """Draws from the gamma distribution."""
        if alpha <= 0.0 or beta <= 0.0:
            raise ValueError("gammavariate: alpha and beta must be > 0.0")
        if alpha > 1.0:
            ainv = math.sqrt(2.0 * alpha - 1.0)
            bbb = alpha - LOG_4
            ccc = alpha + ainv
            while True:
                u1 = self.random()
                if not 1e-7 < u1 < 0.9999999:
                    continue
                u2 = 1.0 - self.random()
                v = math.log(u1 / (1.0 - u1)) / ainv
                x = alpha * math.exp(v)
                z = u1 * u1 * u2
                r = bbb + ccc * v - x
                if r + GAMMA_MAGIC - 4.5 * z >= 0.0 or r >= math.log(z):
                    return x * beta
        if alpha == 1.0:
            u = self.random()
            while u <= 1e-7:
                u = self.random()
            return -math.log(u) * beta
        while True:
            u = self.random()
            b = (math.e + alpha) / math.e
            p = b * u
            x = p ** (1.0 / alpha) if p <= 1.0 else -math.log((b - p) / alpha)
            u1 = self.random()
            if p > 1.0:
                if u1 <= x ** (alpha - 1.0):
                    return x * beta
            elif u1 <= math.exp(-x):
                return x * beta

    def gauss(self, mu, sigma):
        """Draws from the normal distribution, two numbers at a time."""
        z = self.gauss_next
        self.gauss_next = None
        if z is None:
            angle = self.random() * TWO_PI
            radius = math.sqrt(-2.0 * math.log(1.0 - self.random()))
            z = math.cos(angle) * radius
            self.gauss_next = math.sin(angle) * radius
        return mu + z * sigma

    def betavariate(self, alpha, beta):
        """Draws from the beta distribution."""
        y = self.gammavariate(alpha, 1.0)
        return 0.0 if y == 0 else y / (y + self.gammavariate(beta, 1.0))

    def paretovariate(self, alpha):
        """Draws from the Pareto distribution."""
        return 1.0 / pow(1.0 - self.random(), 1.0 / alpha)

    def weibullvariate(self, alpha, beta):
        """Draws from the Weibull distribution."""
        return alpha * pow(-math.log(1.0 - self.random()), 1.0 / beta)


class SystemRandom(Random):
    """Draws from the system's source; it has no stream that could be repeated."""

    def random(self):
        """Draws a number between 0 and 1."""
        return (int.from_bytes(os.urandom(7), "big") >> 3) * 2.0**-53

    def getrandbits(self, k):
        """Draws that many bits."""
        return int.from_bytes(os.urandom((k + 7) // 8), "big") >> (-k % 8)

    def seed(self, *_):
        """Does nothing."""


def stand_in(generator):
    """Makes `import random` give a generator's methods, as the code jail does."""
    generator.Random = Random
    generator.SystemRandom = SystemRandom
    module = types.ModuleType("random", "Random numbers of this run.")
    for name in dir(generator):
        if not name.startswith("_"):
            setattr(module, name, getattr(generator, name))
    sys.modules["random"] = module


__all__ = ["Random", "SystemRandom", "stand_in"]
