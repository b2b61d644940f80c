"""What is checked, a concern a file. Each is a pure function of the history and of what is there at the end."""
