"""What runs in a recogniser process: from samples to words, and when a turn is over.

Knows neither sockets nor clients; `recogniser_protocol` is all that it shares with the server.
"""
