"""Which pages AI crawlers fetch, as servers tell it."""
