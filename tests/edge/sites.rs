//! The three example sites behind the edge.
