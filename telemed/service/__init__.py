"""Use cases: one function, one transaction. They know the rules and the ports, never a database or a socket."""
