//! Every cap of the protocol. Each is checked before memory is reserved for what it bounds.

/// Largest payload of a frame, in bytes: one call's arguments or result, or the plan.
///
/// 16 MiB carries a large document or a generous batch of rows, and 64 shims that all fill it
/// still fit into the memory of a small server. Both sides may agree on less, never on more.
pub const PAYLOAD_BYTES_MAX: usize = 16 << 20;

/// Largest head of a frame, in bytes. A head is a few numbers and at most one error text.
pub const HEAD_BYTES_MAX: usize = 8 << 10;

/// Longest text that a shim may send for a person to read, in bytes of UTF-8.
pub const TEXT_BYTES_MAX: usize = 4 << 10;

/// Deepest nesting of a type, and so of a value. A `u32` has depth 1, a `list<u32>` depth 2.
///
/// It bounds the recursion of every walk over a value, on both sides.
pub const TYPE_DEPTH_MAX: u32 = 64;

/// Most defined types in one plan. The largest WASI world has a few hundred.
pub const TYPES_MAX: usize = 16 << 10;

/// Most functions in one plan.
pub const FUNCTIONS_MAX: usize = 16 << 10;

/// Most resource types in one plan.
pub const RESOURCES_MAX: usize = 4 << 10;

/// Most resources of one bundle that a guest may hold at a time. The runner's table then takes some
/// tens of megabytes; a bundle that gives out more is out of control.
pub const HANDLES_MAX: usize = 1 << 20;

/// Most fields of a record, cases of a variant or an enum, flags, or parameters of a function.
pub const MEMBERS_MAX: usize = 64 << 10;

/// Most elements of a fixed-length list. Longer ones would not fit into a payload.
pub const FIXED_LIST_MAX: u32 = 1 << 24;
