"""Sessions, for any product."""

import gc

# A cold start makes a hundred thousand objects that stay, which a collection at every thousand or
# so would look through again and again; and a request makes few that need one.
gc.set_threshold(50_000)
