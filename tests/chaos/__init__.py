"""Breaking every part of the running suite under load, and counting afterwards what was lost, doubled or disordered.

`load` writes through REST, `schedule` says what breaks when, `faults` breaks it. When all is quiet again `evidence`
reads MongoDB, the topics and the mails with plain clients, and `checker` counts; nothing it needs is from the chassis.
"""
