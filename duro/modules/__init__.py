"""One folder for each feature, with the same room names in each."""
