"""docs/asyncapi.yaml: what the topics carry, as an AsyncAPI 3.0 document made from the code (`make protos`).

Topics from chassis/events/topics.py, payloads and their words from the proto files, the envelope from
chassis/events/envelope.py, groups from the services' consumers. Nothing of it is written by hand but the descriptions
of headers; the example of each event was recorded.
"""
