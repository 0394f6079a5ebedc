"""Parallax on one machine: real servers, a supervisor and one address, by one command."""
