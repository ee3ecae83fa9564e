"""The jobs: surveying a target, arranging states, conformance, replay."""
