"""HTTP: the JSON API, the pages, and what the browser loads. Turns domain errors into answers and holds no rule."""
