"""What a person is told when Duro cannot start or cannot be found."""


class StartError(Exception):
    """Duro cannot start as things are; the message says what to do."""


class NotRunningError(Exception):
    """There is no running installation to talk to; the message says what to do."""
