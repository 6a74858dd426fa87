"""The weights beside a cache: parameters, formats in which they are stored, published checkpoints."""
