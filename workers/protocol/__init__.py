"""The wire protocol and everything below a session: messages, JSON codec, endpoint, connection.

What a session, the embedded server or an export makes of a message does not belong here. May import
`errors` and `log` only.
"""
