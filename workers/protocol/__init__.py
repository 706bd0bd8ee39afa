"""The wire protocol and everything below a session: messages, JSON codec, endpoint, connection.

How a session, the embedded server or an export handles a message does not belong to this package.
May import `errors` and `log` only.
"""
