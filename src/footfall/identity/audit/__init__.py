"""Whether what is stored is what the ledger says, and what in it looks wrong."""
