"""What is told about a run: reporters that listen to one stream of events; they work on a saved run alone."""
