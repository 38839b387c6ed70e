"""Figures, tables and sliders that a notebook shows."""
