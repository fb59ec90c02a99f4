"""The live view: what runs, at the bottom of the terminal, below the lines about what has ended."""
