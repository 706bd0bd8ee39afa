"""Where recordings come from: manifests, addresses on the network, and pipes.

What comes from elsewhere becomes a local file here; `workers.audio` reads it. May import
`workers.audio`, `processes`, `errors` and `log`.
"""
