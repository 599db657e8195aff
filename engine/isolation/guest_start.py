"""The first file that runs in an isolated plugin's process: ``python -I -S guest_start.py ORDERS``.

``-S`` keeps ``.pth`` files of the plugin's environment from running code. Nothing of the plugin or of its environment
is imported before the fence is closed. Kinograph's own packages are always this installation's; everything else comes
from the plugin's environment first and from Kinograph's after that.
"""

import importlib.machinery
import json
import sys

OWN = ("engine", "kinograph", "nodes", "server")


class OwnPackages:
    """Finds Kinograph's own packages in one place only."""

    def __init__(self, root: str) -> None:
        self._root = root

    def find_spec(self, name: str, path: object = None, target: object = None) -> object:
        """A spec for our own packages; nothing for others."""
        del path, target
        if name in OWN:
            return importlib.machinery.PathFinder.find_spec(name, [self._root])
        return None


def main() -> None:
    """Close the fence, then serve."""
    orders = json.loads(sys.argv[1])
    sys.path = [place for place in sys.path if place]
    del sys.argv[1:]
    sys.meta_path.insert(0, OwnPackages(orders["root"]))  # type: ignore[arg-type]
    standard = list(sys.path)
    from engine.parent import end_with_parent, say_lines_at_once

    end_with_parent(orders["parent"])
    say_lines_at_once()
    sys.path = [*standard, *orders["host_path"]]  # for pydantic, which the manifest's model needs
    from engine.isolation.guest import serve

    sys.path = [*standard, *orders["own_path"], *orders["host_path"]]
    serve(orders)


if __name__ == "__main__":
    main()
