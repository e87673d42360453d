"""Reports: what a verdict looks like to a person."""
