//! Types that are built of others.

use std::collections::BTreeMap;

use crate::Echo;
use crate::exports::wrun::echo::compound::{
    Direction, Everything, Flags1, Flags9, Flags17, Flags32, Guest, Huge, Joined, NoPayloads,
    Point, Segment,
};

impl Guest for Echo {
    fn echo_point(value: Point) -> Point {
        value
    }

    fn echo_segment(value: Segment) -> Segment {
        value
    }

    fn echo_tuple(value: (u8, String, f64)) -> (u8, String, f64) {
        value
    }

    fn echo_single(value: (u64,)) -> (u64,) {
        value
    }

    fn echo_no_payloads(value: NoPayloads) -> NoPayloads {
        value
    }

    fn echo_joined(value: Joined) -> Joined {
        value
    }

    fn echo_direction(value: Direction) -> Direction {
        value
    }

    fn echo_huge(value: Huge) -> Huge {
        value
    }

    fn echo_option(value: Option<u32>) -> Option<u32> {
        value
    }

    fn echo_option_string(value: Option<String>) -> Option<String> {
        value
    }

    fn echo_option_nested(value: Option<Option<Option<u8>>>) -> Option<Option<Option<u8>>> {
        value
    }

    fn echo_result(value: Result<u32, String>) -> Result<u32, String> {
        value
    }

    fn echo_result_ok(value: Result<String, ()>) -> Result<String, ()> {
        value
    }

    fn echo_result_err(value: Result<(), String>) -> Result<(), String> {
        value
    }

    fn echo_result_empty(value: Result<(), ()>) -> Result<(), ()> {
        value
    }

    fn echo_flags1(value: Flags1) -> Flags1 {
        value
    }

    fn echo_flags9(value: Flags9) -> Flags9 {
        value
    }

    fn echo_flags17(value: Flags17) -> Flags17 {
        value
    }

    fn echo_flags32(value: Flags32) -> Flags32 {
        value
    }

    fn echo_list_bool(value: Vec<bool>) -> Vec<bool> {
        value
    }

    fn echo_list_char(value: Vec<char>) -> Vec<char> {
        value
    }

    fn echo_list_s16(value: Vec<i16>) -> Vec<i16> {
        value
    }

    fn echo_list_u64(value: Vec<u64>) -> Vec<u64> {
        value
    }

    fn echo_list_f32(value: Vec<f32>) -> Vec<f32> {
        value
    }

    fn echo_list_f64(value: Vec<f64>) -> Vec<f64> {
        value
    }

    fn echo_list_string(value: Vec<String>) -> Vec<String> {
        value
    }

    fn echo_list_list_string(value: Vec<Vec<String>>) -> Vec<Vec<String>> {
        value
    }

    fn echo_list_point(value: Vec<Point>) -> Vec<Point> {
        value
    }

    fn echo_list_joined(value: Vec<Joined>) -> Vec<Joined> {
        value
    }

    fn echo_list_huge(value: Vec<Huge>) -> Vec<Huge> {
        value
    }

    fn echo_list_flags9(value: Vec<Flags9>) -> Vec<Flags9> {
        value
    }

    fn echo_list_option(value: Vec<Option<String>>) -> Vec<Option<String>> {
        value
    }

    fn echo_list_result(value: Vec<Result<u8, String>>) -> Vec<Result<u8, String>> {
        value
    }

    fn echo_list_tuple(value: Vec<(u8, u64)>) -> Vec<(u8, u64)> {
        value
    }

    fn echo_fixed(value: [u32; 4]) -> [u32; 4] {
        value
    }

    fn echo_fixed_nested(value: [[u8; 2]; 3]) -> [[u8; 2]; 3] {
        value
    }

    fn echo_list_fixed(value: Vec<[u16; 3]>) -> Vec<[u16; 3]> {
        value
    }

    fn echo_map(value: BTreeMap<String, u32>) -> BTreeMap<String, u32> {
        value
    }

    fn echo_map_list(value: BTreeMap<u32, Vec<String>>) -> BTreeMap<u32, Vec<String>> {
        value
    }

    fn echo_everything(value: Everything) -> Everything {
        value
    }

    fn echo_list_everything(value: Vec<Everything>) -> Vec<Everything> {
        value
    }

    fn join_fixed(parts: [String; 3]) -> String {
        parts.concat()
    }
}
