# Runs in the cage: `streams` are recorded; says in `different` which numbers are drawn otherwise here.
import math

from random2 import Random

compared = 0
different = []


def shuffled(generator, count):
    items = list(range(count))
    generator.shuffle(items)
    return items


def mixed(generator):
    generator.random()
    generator.gauss(0, 1)
    return [generator.randint(1, 100), generator.gauss(0, 1), generator.random()]


DRAWS = {
    "random": lambda g: g.random(),
    "getrandbits_32": lambda g: g.getrandbits(32),
    "randint_1_6": lambda g: g.randint(1, 6),
    "randint_-50_50": lambda g: g.randint(-50, 50),
    "randrange_10": lambda g: g.randrange(10),
    "randrange_5_50_5": lambda g: g.randrange(5, 50, 5),
    "randrange_50_5_-5": lambda g: g.randrange(50, 5, -5),
    "randrange_2**60": lambda g: str(g.randrange(2**60)),
    "choice_abcde": lambda g: g.choice("abcde"),
    "uniform_2_7": lambda g: g.uniform(2, 7),
    "triangular_0_10_3": lambda g: g.triangular(0, 10, 3),
    "gauss_0_1": lambda g: g.gauss(0, 1),
    "normalvariate_0_1": lambda g: g.normalvariate(0, 1),
    "lognormvariate_0_1": lambda g: g.lognormvariate(0, 1),
    "expovariate_2": lambda g: g.expovariate(2),
    "vonmisesvariate_0_2": lambda g: g.vonmisesvariate(0, 2),
    "gammavariate_2_3": lambda g: g.gammavariate(2, 3),
    "gammavariate_0.5_1": lambda g: g.gammavariate(0.5, 1),
    "gammavariate_1_1": lambda g: g.gammavariate(1, 1),
    "betavariate_2_3": lambda g: g.betavariate(2, 3),
    "paretovariate_3": lambda g: g.paretovariate(3),
    "weibullvariate_1_2": lambda g: g.weibullvariate(1, 2),
}
WHOLE = {
    "getrandbits_1_5_40_64": lambda g: [str(g.getrandbits(bits)) for bits in (1, 5, 40, 64)],
    "shuffle_10": lambda g: shuffled(g, 10),
    "sample_range10_4": lambda g: g.sample(range(10), 4),
    "sample_range100_6": lambda g: g.sample(range(100), 6),
    "sample_range1000_3": lambda g: g.sample(range(1000), 3),
    "mixed_after_random_and_gauss": mixed,
}


def is_same(one, other):
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-12)
    return type(one) is type(other) and one == other


for stream in streams:
    for name, recorded in stream.items():
        if name == "seed":
            continue
        compared += 1
        generator = Random(int(stream["seed"]))
        if name in WHOLE:
            found = WHOLE[name](generator)
        elif name in DRAWS:
            found = [DRAWS[name](generator) for _ in recorded]
        else:
            found = []
        if len(found) != len(recorded) or not all(is_same(*pair) for pair in zip(found, recorded)):
            different.append([stream["seed"], name, found, recorded])
