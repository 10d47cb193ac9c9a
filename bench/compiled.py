"""Another bench with the bid process's hot modules as they were compiled: `python -m bench.compiled bench.bid_stages`.

`bench.bid` needs it not: it starts the process as the command line does. Not a bench by itself.
"""

import runpy
import sys

from kit.compiled import use_compiled

if __name__ == "__main__":
    print(use_compiled() or "the hot path runs compiled")
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
