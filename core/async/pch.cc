// Exists so that the target that owns the precompiled header has a source.
