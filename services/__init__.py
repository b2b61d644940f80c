"""The services. Each owns its database; none imports another: they know each other by the contracts in protos/."""
