"""Sessions, for any product."""

import gc

# An import makes some 50,000 objects that stay, which the collector would look through again and
# again; a request leaves a dozen behind, so that it still comes every few thousand of them.
gc.set_threshold(100_000)
