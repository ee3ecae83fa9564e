"""What went over the wire lately, so that a finding can show it."""
