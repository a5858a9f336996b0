"""Measuring on other machines, over the system's own OpenSSH client.

`there` answers requests on the host, `runner` carries a benchmark out there; the other modules are
this side of the connection.
"""
