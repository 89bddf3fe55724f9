"""The first thing a template loads. From then on Ctrl-C is not for it: whoever started it ends it.

And nothing looks for garbage: there is hardly any while libraries come in, and it takes a tenth of the time; `preload`
goes back to that.
"""

import gc
import signal

signal.signal(signal.SIGINT, signal.SIG_IGN)
gc.disable()
