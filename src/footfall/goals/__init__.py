"""Goals of servers, and what the API says of goals."""
