"""How the suite is run: locally as processes, in compose, on Kubernetes."""
