"""What a person is told when Duro cannot start."""


class StartError(Exception):
    """Duro cannot start as things are; the message says what to do."""
