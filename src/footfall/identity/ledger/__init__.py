"""What the ledger says, and how its facts are merged and undone."""
