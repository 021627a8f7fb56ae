//! Native rendering of YAML values (placeholder replaced below).
