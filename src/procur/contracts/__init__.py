"""Contracts: clauses, the contract as a document, the purchase order and its rules."""
