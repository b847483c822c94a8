"""What the manifest names besides the docks: readers, writers, sample data."""
