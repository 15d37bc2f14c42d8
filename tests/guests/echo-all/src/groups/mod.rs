//! The checks, one group per interface of the bundle.

mod bytes;
mod compound;
mod config;
mod lists;
mod resources;
mod scalars;
mod wide;
mod world;

use crate::report::Report;

type Check = fn(&mut Report);

/// Every group by its name on the command line.
pub const ALL: [(&str, Check); 8] = [
    ("scalars", scalars::check),
    ("compound", compound::check),
    ("lists", lists::check),
    ("bytes", bytes::check),
    ("wide", wide::check),
    ("resources", resources::check),
    ("config", config::check),
    ("world", world::check),
];
