"""What is done with a finding: its calls are cut out, made fewer, sent again, and told apart."""
