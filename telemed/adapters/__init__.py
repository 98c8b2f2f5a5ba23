"""The ports of the use cases made real: tables and queries, outbox, PDF, signatures."""
