"""Files that the contracts room ships: the clause library and the UBL schemas."""
