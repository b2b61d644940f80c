"""What the inbox, a reminder and a delivery are, and their rules. Pure: no I/O, no clock, no contract, no database."""
