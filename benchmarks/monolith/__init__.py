"""The suite beside the monolith it replaces, on the same engines, with the same data, in one run: `make bench`.

settings.py    what a run can be told: which operations, how many at once, how many rounds
peer.py        the monolith of benchmarks/peer as a process
people.py      who asks, on either side: registered through the front door, their tasks put straight into the database
operations.py  what is asked: get, list, create, the mix, …
vegeta.py      the load, and what became of every request
processes.py   the CPU and the memory of every process, by name
sides.py       a side of the comparison: what one round of one operation took there
run.py         both sides, started, loaded, warmed up and measured in turn
report.py      the page; plot.py its picture
quick.py       the gate: the mix alone, held to the ratio that was recorded
profile.py     flame graphs of the processes while they are asked
"""
