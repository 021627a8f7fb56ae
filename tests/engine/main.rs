//! The engine's tests: one binary, one link.
