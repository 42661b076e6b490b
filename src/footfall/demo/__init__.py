"""A website with a believable month, for newcomers; and visitors who keep walking in."""

DOMAIN = "demo.example"
