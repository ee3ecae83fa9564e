"""The conformance run as pytest tests, on as many workers as pytest-xdist has: `pytest --pyargs harness.conformance`."""
