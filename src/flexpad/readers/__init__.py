"""One file, one data set, one function from a root folder to a manifest."""
