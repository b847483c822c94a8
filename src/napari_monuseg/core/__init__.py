"""Everything that needs no window: images, networks, nuclei, training, scores."""
