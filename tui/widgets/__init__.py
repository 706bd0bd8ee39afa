"""Widgets that draw lines of pieces and say what the user did; they decide nothing."""
