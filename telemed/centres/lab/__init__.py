"""The laboratory centre: messages of members' systems taken once, results with their life, critical values told."""
