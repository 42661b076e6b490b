"""Does the store match the ledger, and what in it looks wrong?"""
