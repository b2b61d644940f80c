"""The suite beside the monolith it replaces, on the same engines, with the same data, in one run.

peer.py        the monolith of benchmarks/peer as a process
operations.py  what is asked: get, list, create, the mix, …
"""
