"""The report's numbers: data frames in, data frames out; nothing here draws or formats."""
