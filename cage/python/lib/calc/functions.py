"""The functions that NumPy lacks, by the names that formulas have for them."""

from calc.evaluate import FUNCTIONS

sec = FUNCTIONS["sec"]
csc = FUNCTIONS["csc"]
cot = FUNCTIONS["cot"]
arcsec = FUNCTIONS["arcsec"]
arccsc = FUNCTIONS["arccsc"]
arccot = FUNCTIONS["arccot"]
sech = FUNCTIONS["sech"]
csch = FUNCTIONS["csch"]
coth = FUNCTIONS["coth"]
arcsech = FUNCTIONS["arcsech"]
arccsch = FUNCTIONS["arccsch"]
arccoth = FUNCTIONS["arccoth"]
