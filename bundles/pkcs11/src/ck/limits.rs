//! What the bundle believes at most of what a module claims, and what it asks for at most.

/// Longest single output of the module in bytes: a ciphertext, a wrapped key, an attribute.
pub const OUTPUT_BYTES_MAX: usize = 64 << 20;

/// First buffer for an output, in bytes, besides the length of the input: it holds every classic
/// signature and digest, so that most operations are one call of the module.
pub const OUTPUT_BYTES_FIRST: usize = 8 << 10;

/// How often one call is made again because the module says that the buffer is too small. A module
/// whose length grows each time is either racing with another application or lying.
pub const RETRIES_MAX: usize = 8;

/// Longest list of slots, mechanisms, or attributes inside a template, in elements.
pub const LIST_ELEMENTS_MAX: usize = 1 << 16;

/// Most attributes read in one call.
pub const ATTRIBUTES_MAX: usize = 1 << 10;

/// Most objects that one search returns.
pub const OBJECTS_MAX: usize = 1 << 16;

/// Objects fetched by one `C_FindObjects`.
pub const OBJECTS_CHUNK: usize = 256;

/// Longest random output of one call in bytes.
pub const RANDOM_BYTES_MAX: usize = 1 << 20;
