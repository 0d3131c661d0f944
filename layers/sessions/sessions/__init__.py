"""Sessions, for any product."""

import gc

# The imports make up to 100,000 objects that stay, which the collector would look through again and
# again; a request leaves a dozen behind, so that it still comes every ten thousand of them or so.
gc.set_threshold(150_000)
