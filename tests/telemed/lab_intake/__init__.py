"""The laboratory centre from its doors: messages, results, sheets, ways out."""
