"""Recordings are heard: decoding from any position, the device, and what they look like. Qt-free."""
