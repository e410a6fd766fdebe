"""The one place that takes secrets out of texts: known values in every form they may be written in, and patterns."""
