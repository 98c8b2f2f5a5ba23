"""Demo material: a made-up region, its people, its cases and pictures, all generated at run time from a seed."""
