"""A website with a believable quarter, for newcomers; and visitors who keep walking in."""

DOMAIN = "demo.example"
