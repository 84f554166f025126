"""Graders for chemistry: equations (`chemcalc`), shapes of molecules (`chemtools`), lattice planes (`miller`)."""
