"""What a plan will cost: calls, requests and arrangements, each as a range, and how long they take."""
