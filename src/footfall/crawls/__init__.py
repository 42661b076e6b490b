"""Which pages AI crawlers fetch, as reported by servers."""
