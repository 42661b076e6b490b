"""Connecting a payment provider with an API key: Footfall makes the webhook, and imports what was paid before."""
