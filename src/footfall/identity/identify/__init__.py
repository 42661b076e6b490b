"""Who somebody is: the call, from the wire to the ledger."""
