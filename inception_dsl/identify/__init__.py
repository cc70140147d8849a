"""Which spec a network is: `candidates` are the specs among which `identify` looks."""
