//! Lists of every kind, fixed-length lists and maps.

use std::collections::BTreeMap;

use super::compound::{everything_samples, flags9_samples, huge_samples, joined_samples, points};
use super::scalars::{CHARS, F32_BITS, F64_BITS, STRINGS};
use crate::bindings::join_fixed;
use crate::bindings::wrun::echo::compound::*;
use crate::report::Report;

pub fn check(report: &mut Report) {
    numbers(report);
    texts(report);
    compounds(report);
    fixed(report);
    maps(report);
}

fn numbers(report: &mut Report) {
    report.echo("echo-list-bool", [vec![], vec![true, false, true]], |v| echo_list_bool(v));
    report.echo("echo-list-char", [vec![], CHARS.to_vec()], |v| echo_list_char(v));
    report.echo("echo-list-s16", [vec![], vec![0, -1, i16::MIN, i16::MAX]], |v| echo_list_s16(v));
    let long: Vec<u64> = (0..10_000).map(|i| i << 40 | i).collect();
    report.echo("echo-list-u64", [vec![], vec![u64::MAX], long], |v| echo_list_u64(v));
    report.echo("echo-list-f32", [F32_BITS], |bits| {
        echo_list_f32(&bits.map(f32::from_bits)).into_iter().map(f32::to_bits).collect::<Vec<_>>()
    });
    report.echo("echo-list-f64", [F64_BITS], |bits| {
        echo_list_f64(&bits.map(f64::from_bits)).into_iter().map(f64::to_bits).collect::<Vec<_>>()
    });
}

fn texts(report: &mut Report) {
    let strings = STRINGS.map(str::to_owned).to_vec();
    report.echo("echo-list-string", [vec![], strings.clone()], |v| echo_list_string(v));
    let nested = [vec![], vec![vec![]], vec![vec![], strings.clone(), vec![], strings]];
    report.echo("echo-list-list-string", nested, |v| echo_list_list_string(v));
}

fn compounds(report: &mut Report) {
    report.echo("echo-list-point", [vec![], points().to_vec()], |v| echo_list_point(v));
    report.echo("echo-list-joined", [vec![], joined_samples()], |v| echo_list_joined(v));
    report.echo("echo-list-huge", [vec![], huge_samples().to_vec()], |v| echo_list_huge(v));
    report.echo("echo-list-flags9", [flags9_samples().to_vec()], |v| echo_list_flags9(v));
    let options = vec![None, Some(String::new()), Some("aß".to_owned()), None];
    report.echo("echo-list-option", [options], |v| echo_list_option(v));
    let results = vec![Ok(0), Err("no".to_owned()), Ok(255), Err(String::new())];
    report.echo("echo-list-result", [results], |v| echo_list_result(v));
    let tuples = vec![(0, u64::MAX), (255, 0)];
    report.echo("echo-list-tuple", [vec![], tuples], |v| echo_list_tuple(v));
    report.echo("echo-list-everything", [everything_samples()], |v| echo_list_everything(v));
}

fn fixed(report: &mut Report) {
    report.echo("echo-fixed", [[0, 1, 2, u32::MAX]], |v| echo_fixed(*v));
    report.echo("echo-fixed-nested", [[[1, 2], [3, 4], [5, 255]]], |v| echo_fixed_nested(*v));
    let list = vec![[1, 2, 3], [u16::MAX, 0, 1]];
    report.echo("echo-list-fixed", [vec![], list], |v| echo_list_fixed(v));
    report.equal("join-fixed", "aßc", join_fixed(["a", "ß", "c"]));
}

fn maps(report: &mut Report) {
    let ages = [("ada", 36), ("", 0), ("ß", u32::MAX)];
    let ages: BTreeMap<String, u32> = ages.map(|(key, value)| (key.to_owned(), value)).into();
    report.echo("echo-map", [BTreeMap::new(), ages], echo_map);
    let names: BTreeMap<u32, Vec<String>> =
        [(0, vec![]), (u32::MAX, vec!["a".to_owned(), String::new()])].into();
    report.echo("echo-map-list", [BTreeMap::new(), names], echo_map_list);
}
