"""What happened, told to every room: facts and the outbox they are written to."""
