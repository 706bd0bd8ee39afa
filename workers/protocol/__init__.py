"""The wire protocol and everything below a session: messages, JSON codec, endpoint, connection.

Does not belong here: how a session, the embedded server or an export handles a message.
May import `errors` and `log` only.
"""
