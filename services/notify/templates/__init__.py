"""The texts of mails: a folder for each template with `subject.txt`, `body.txt` and `body.html`."""
