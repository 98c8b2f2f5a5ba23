"""Laboratory: HL7 v2 messages, results, specimens in transit."""
