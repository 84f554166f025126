"""What problems of LON-CAPA find by name."""

from loncapa.loncapa_check import deg2rad, lc_choose, lc_random, rad2deg

__all__ = ["deg2rad", "lc_choose", "lc_random", "rad2deg"]
