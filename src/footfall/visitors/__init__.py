"""One browser or app install, as the API shows it."""
