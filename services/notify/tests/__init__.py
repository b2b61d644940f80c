"""Stories of the notify service, on its real composition root, real engines and a real SMTP server."""
