//! Bulk data.

use crate::Echo;
use crate::exports::wrun::echo::bytes::{Guest, Row};

impl Guest for Echo {
    fn echo(b: Vec<u8>) -> Vec<u8> {
        b
    }

    fn records(rows: Vec<Row>) -> Vec<Row> {
        rows
    }
}
