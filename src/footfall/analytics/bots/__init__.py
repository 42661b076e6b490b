"""Traffic of bots: AI crawlers that servers told of, and whatever else was dropped as no person."""
