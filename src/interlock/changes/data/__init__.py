"""What the stages know, as data: paths, names, shapes of lines."""
