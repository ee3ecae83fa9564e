"""One run on several VMs at once in one process: each lane in a thread of its own, for the wait is the server's."""
