"""The outside world, behind Protocols that the features own."""
