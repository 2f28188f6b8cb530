"""One loop for every model, and what it is fed with."""
