"""History that other systems have, and what a website's own looks like outside: imports and exports of events, people, payments and totals."""
