"""The report's sections: the numbers of `frames` and the pictures of `figures` as a document, every sentence once."""
