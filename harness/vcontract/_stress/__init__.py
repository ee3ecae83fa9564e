"""Many clients at once: what they do, Locust that lets them do it, and the verdict on what was recorded."""
