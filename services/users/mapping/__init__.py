"""The contract primetrade/users/v1 ⇄ the domain, by hand and in this one place."""
