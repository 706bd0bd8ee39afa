"""Sessions on many machines: who may start how many of them, and when.

Belongs here: leases, which keep an account's limits over all nodes, and what runs sessions on other
nodes. What decides which job starts belongs to `workers.scheduling`, which knows only its
`SessionLauncher`. May import every other package of `workers` but `evaluation`.

`fleet` is that launcher. It reaches nodes through a `transport`, of which there is one. Only
`ray_process`, which runs in a process of its own, and `ray_agent` import Ray. On each node,
`node_agent` hosts sessions with the launcher that this machine uses for its own.
"""
