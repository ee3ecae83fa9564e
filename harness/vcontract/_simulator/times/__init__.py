"""How long everything takes in a simulated vCenter, and by how much it is shown late."""
