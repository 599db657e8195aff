"""How often Mini's clips show what held-out prompts say.

`python benchmarks/adherence.py [options of kinograph evaluate]`

The comparison from outside the model is the renderer itself: the first table is the checker on rendered clips, which
says how reliable the measure is; the second is the model.
"""

from __future__ import annotations

import sys

from nodes.evaluation.command import main

if __name__ == "__main__":
    options = sys.argv[1:]
    sys.exit(main([*options, "--truth"]) or main(options))
