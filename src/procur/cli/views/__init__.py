"""How the answers of the steps look in a terminal; every value comes from the answer itself."""
