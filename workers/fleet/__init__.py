"""Sessions on many machines: who may start how many of them, and when.

Belongs here: leases, which keep an account's limits over all nodes, and what runs sessions on other
nodes. What decides which job starts belongs to `workers.scheduling`, which knows only its
`SessionLauncher`. May import every other package of `workers` but `evaluation`.
"""
