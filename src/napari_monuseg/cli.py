"""The command line: everything `core` does, without a window."""


def main() -> None:
    """Run the command line."""
