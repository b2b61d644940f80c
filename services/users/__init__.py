"""The users service: the profile of a person.

Owns profiles, in the database `users`. Publishes `ProfileCreated` and `ProfileUpdated` on the topic `users`. Consumes
`AccountRegistered` from `auth`, so that an account whose profile auth could not ask for gets it all the same.
"""
