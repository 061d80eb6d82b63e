"""Learn what several views of a sound share and what is private to each."""
