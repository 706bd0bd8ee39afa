"""Scores runs: how accurate and how fast the recogniser was, computed from traces and references.

Everything here works offline and can be repeated with another normaliser or another reference. May
import every package of `workers` but `scheduling`. The main job never loads this package, nor the
libraries of the extra ``evaluation`` that it uses.
"""
