"""Installing plugins. Only the command line imports this: no room that runs workflows can install anything."""
