"""The program: `agentloop`, and `python -m agentloop`."""

import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line; git's hook, which has to be there at once, without what the rest of it loads."""
    if sys.argv[1:3] == ["hook", "pre-push"] and not {"-h", "--help"} & set(sys.argv[3:]):
        from agentloop.hook import entry

        os._exit(entry.main(sys.argv[3:]))  # all is said and written; to tidy up takes as long as a seventh of it
    from agentloop import cli

    cli.main()


if __name__ == "__main__":
    main()
