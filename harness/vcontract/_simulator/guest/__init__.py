"""The guest operating system of a virtual machine: Tools, accounts, network, customization engine and its lock."""
