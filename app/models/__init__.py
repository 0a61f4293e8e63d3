"""Models: the catalogue, downloads, and what is on this disk already. Qt-free."""
