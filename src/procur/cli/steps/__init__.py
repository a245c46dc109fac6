"""The steps of a purchase, each one transaction that answers with plain values.

`procur demo`, `procur buy` and the single commands are these steps in different company.
"""
