// The code in it needs the files of the example: rustdoc cannot run it, but a test compares it.
#![cfg_attr(not(doctest), doc = include_str!("../README.md"))]

mod config;
#[doc(hidden)]
pub mod rt;

pub use config::{Config, ConfigError};
pub use wrun_bundle_macros::generate;
