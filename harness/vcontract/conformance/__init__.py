"""The conformance run as pytest tests: `pytest -p vcontract.pytest_plugin --pyargs vcontract.conformance`."""
