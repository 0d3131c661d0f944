"""Sessions, for any product."""
