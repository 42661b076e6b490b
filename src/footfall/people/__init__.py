"""People, read: the trait index, lists, one person whole, and the journey."""
