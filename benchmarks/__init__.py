"""Timings of smbook beside its peers; run with `make benchmark`. Never a test."""
