"""Random numbers as Python 2.7 draws them, by the name that scripts import them by."""

from cage_runner.random2 import Random, SystemRandom

_default = Random()
betavariate = _default.betavariate
choice = _default.choice
expovariate = _default.expovariate
gammavariate = _default.gammavariate
gauss = _default.gauss
getrandbits = _default.getrandbits
getstate = _default.getstate
jumpahead = _default.jumpahead
lognormvariate = _default.lognormvariate
normalvariate = _default.normalvariate
paretovariate = _default.paretovariate
randint = _default.randint
random = _default.random
randrange = _default.randrange
sample = _default.sample
seed = _default.seed
setstate = _default.setstate
shuffle = _default.shuffle
triangular = _default.triangular
uniform = _default.uniform
vonmisesvariate = _default.vonmisesvariate
weibullvariate = _default.weibullvariate

__all__ = [
    "Random",
    "SystemRandom",
    "betavariate",
    "choice",
    "expovariate",
    "gammavariate",
    "gauss",
    "getrandbits",
    "getstate",
    "jumpahead",
    "lognormvariate",
    "normalvariate",
    "paretovariate",
    "randint",
    "random",
    "randrange",
    "sample",
    "seed",
    "setstate",
    "shuffle",
    "triangular",
    "uniform",
    "vonmisesvariate",
    "weibullvariate",
]
