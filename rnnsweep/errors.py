"""What every message meant for a user is raised as, so that a command catches one kind and prints one line."""


class UserError(Exception):
    """A user can put this right: one line names the culprit, the valid values and the remedy."""
