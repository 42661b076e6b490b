"""Goals from servers, and what the API says about goals."""
