"""Tells how far a server follows WHEP, row by row. Needs nothing but Python."""
