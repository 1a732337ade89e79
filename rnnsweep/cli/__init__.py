"""The commands of `sweeps/`. Flags are read before anything heavy is imported, so that `--help` answers at once."""
