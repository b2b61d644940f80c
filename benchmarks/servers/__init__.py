"""What a request costs by each server that could be the gateway's, and how each behaves: `make bench-servers`.

app.py     the application that all of them serve
serve.py   it by the gateway's own server
arms.py    the servers, each a process of its own
client.py  who asks, alike for all
cost.py    CPU of the server, per request
manners.py what each makes of malformed requests, of floods, of slow clients and of SIGTERM
"""
