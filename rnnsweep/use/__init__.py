"""What becomes of a trained network: which one is used, what it says of texts, and files that need no rnnsweep."""
