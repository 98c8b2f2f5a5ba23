"""What the laboratory centre's use cases ask for, made real."""
