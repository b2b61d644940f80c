"""The contract primetrade/tasks/v1 ⇄ the domain, by hand and in this one place."""
