"""What the use cases ask for, made real: tables and queries, outbox, PDF, signatures."""
