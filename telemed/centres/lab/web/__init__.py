"""The laboratory centre's API, pages and labels."""
