"""The auth service: who may log in.

Owns accounts, credentials, sessions and the signing keys, in the database `auth`. Publishes `AccountRegistered` and
`SessionRevoked` on the topic `auth`. Consumes `ProfileUpdated` from `users`, so that an account shows the name its
person chose. Asks `users` for one thing by gRPC: the profile of a new account.
"""
