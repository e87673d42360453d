"""The interpreter of effects that every driver shares: it performs what engine and cluster ask, on some ground."""
