"""A sixth, made-up centre with evidence of its own, as one of `telemed/centres` would be: audiograms."""
