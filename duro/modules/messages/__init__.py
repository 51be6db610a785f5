"""What shall be told to customers: the outbox, written with the change that causes a message."""
