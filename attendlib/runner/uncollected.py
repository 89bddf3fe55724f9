"""The first thing a template loads. While its libraries come in hardly anything is garbage, and looking for it takes a
tenth of the time; `preload`, the last, goes back to looking."""

import gc

gc.disable()
