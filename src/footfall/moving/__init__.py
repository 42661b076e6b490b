"""Moving over: a website out of a DataFast account, and people out of other products."""
