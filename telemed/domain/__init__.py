"""The rule book: cases, reports, routing, deadlines, critical values, people, consent. Standard library only."""
