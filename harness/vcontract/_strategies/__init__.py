"""Types to values to calls: valid ones and broken ones, each labelled with what it breaks."""
