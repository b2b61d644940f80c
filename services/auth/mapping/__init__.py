"""The contract primetrade/auth/v1 ⇄ the domain, by hand and in this one place."""
