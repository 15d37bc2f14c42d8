//! Bulk data.

use crate::bindings::wrun::echo::bytes::*;
use crate::report::Report;

pub fn check(report: &mut Report) {
    for length in [0, 1, 7, 64, 4096, 64 << 10, 1 << 20] {
        let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(length).collect();
        report.equal(&format!("echo-{length}"), true, echo(&bytes) == bytes);
    }
    for count in [0, 1, 2, 1000] {
        report.echo(&format!("records-{count}"), [rows(count)], |rows| records(rows));
    }
}

fn rows(count: u32) -> Vec<Row> {
    let row = |id| Row { id, name: format!("row {id}"), value: f64::from(id) / 3.0 };
    (0..count).map(row).collect()
}
