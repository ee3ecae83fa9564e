"""What the user says: `vcontract.toml`, what may be disturbed, and what a run is asked for."""
