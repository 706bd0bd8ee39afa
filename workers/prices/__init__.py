"""What streaming costs: the dated list of prices, which the user may override, and budgets.

``list_prices.toml`` is the one place with a price of the service. This room knows neither jobs nor
sessions: it gets the endpoint, the model and the connection parameters.
"""
