"""The whole suite on one machine, as processes under supervisor: `python -m deploy.local run|start|stop|status`.

Engines are embedded (SecantusDB, Tansu) or given by URL; mails go to a sink that keeps them as files.
"""
