"""What the event backbone costs beside the bare client, on one broker and in one run: `make bench-events`.

latency.py     a write acknowledged → its effect visible in the consumer's database; produce → consume
throughput.py  a backlog through the relay; the same records through a pipelined producer
cost.py        CPU of a consumed message: the chassis; a bare loop
"""
