"""`python -m bench`: how fast Footfall is, beside what its parts reach alone."""
