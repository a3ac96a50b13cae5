"""What a turn costs: against raw Temporal on the same server, and in memory and history."""
