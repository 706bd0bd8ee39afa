"""Writes a scored run as one HTML page that needs no network and no other file.

`file_pages` collects what the page shows of each recording, `charts` draws distributions, and
`page` puts both together with the style and the script beside it.
"""
