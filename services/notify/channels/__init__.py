"""The ways a message leaves the house. There is one, mail over SMTP; a port comes with the second."""
