//! `CK_MECHANISM` and the structures that its parameter points at.
//!
//! Every parameter, standard or a vendor's, is built by one rule: fields in order, each at a
//! multiple of its own size, the end padded to the widest field. That is what a C compiler does, so
//! no structure has to be known here, and none is.

use cryptoki_sys::{CK_MECHANISM, CK_ULONG, CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID};
use zeroize::Zeroize;

use super::error::{Error, Result};
use super::memory::Memory;
use super::ulong::{length, narrow};

/// One field of a parameter structure.
#[derive(Debug)]
pub enum Field {
    /// A `CK_ULONG`: a number, a length, a handle.
    Ulong(u64),
    /// A `CK_BYTE` or `CK_BBOOL`.
    Byte(u8),
    /// An array of bytes inside the structure.
    Bytes(Vec<u8>),
    /// A pointer to these bytes; null if there are none.
    Pointer(Vec<u8>),
    /// A pointer to another structure.
    Structure(Vec<Field>),
}

/// The parameter of a mechanism, in the C layout, with everything that it points at.
#[derive(Debug, Default)]
pub struct Parameter {
    /// The parameter itself.
    root: Memory,
    /// What its pointers point at.
    #[expect(dead_code, reason = "it is read by the module, through the pointers in `root`")]
    targets: Vec<Memory>,
}

/// `CK_MECHANISM`, with the memory of its parameter.
#[derive(Debug)]
pub struct Mechanism {
    kind: CK_ULONG,
    parameter: Parameter,
}

impl Mechanism {
    /// The mechanism with this `CKM_*` number.
    ///
    /// # Errors
    /// `CKR_MECHANISM_INVALID` if the number does not fit into `CK_ULONG`.
    pub fn new(function: &'static str, kind: u64, parameter: Parameter) -> Result<Self> {
        let kind = narrow(kind).ok_or_else(|| {
            Error::bundle(function, CKR_MECHANISM_INVALID, "the number is wider than CK_ULONG")
        })?;
        Ok(Self { kind, parameter })
    }

    /// The structure to hand to the module. Its pointer is good as long as `self` lives.
    pub(super) fn raw(&mut self) -> CK_MECHANISM {
        let root = &mut self.parameter.root;
        CK_MECHANISM {
            mechanism: self.kind,
            pParameter: root.pointer(),
            ulParameterLen: length(root.len()),
        }
    }
}

impl Parameter {
    /// No parameter: a null pointer.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// These bytes.
    #[must_use]
    pub fn raw(bytes: &[u8]) -> Self {
        Self { root: Memory::new(bytes), targets: Vec::new() }
    }

    /// The length in bytes, without what it points at.
    #[must_use]
    pub fn len(&self) -> usize {
        self.root.len()
    }

    /// True for no parameter.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A structure of these fields.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID` if a number does not fit into `CK_ULONG`.
    pub fn structure(function: &'static str, fields: Vec<Field>) -> Result<Self> {
        let mut targets = Vec::new();
        let root = structure(function, fields, &mut targets)?;
        Ok(Self { root, targets })
    }
}

/// The structure of these fields; what they point at goes to `targets`.
fn structure(
    function: &'static str,
    fields: Vec<Field>,
    targets: &mut Vec<Memory>,
) -> Result<Memory> {
    let mut image = Image::default();
    for field in fields {
        match field {
            Field::Ulong(value) => {
                let value = narrow(value).ok_or_else(|| {
                    Error::bundle(
                        function,
                        CKR_MECHANISM_PARAM_INVALID,
                        "a number in the parameters is wider than CK_ULONG",
                    )
                })?;
                image.aligned(&value.to_ne_bytes());
            }
            Field::Byte(value) => image.bytes.push(value),
            Field::Bytes(mut value) => {
                image.bytes.extend_from_slice(&value);
                value.zeroize();
            }
            Field::Pointer(mut value) => {
                image.aligned(&address(Memory::new(&value), targets).to_ne_bytes());
                value.zeroize();
            }
            Field::Structure(fields) => {
                let inner = structure(function, fields, targets)?;
                image.aligned(&address(inner, targets).to_ne_bytes());
            }
        }
    }
    Ok(image.finish())
}

/// Keep this memory beside the structure and return its address.
fn address(mut memory: Memory, targets: &mut Vec<Memory>) -> usize {
    // Exposed: the module turns the number back into a pointer, and may write through it (a token
    // that chooses the initialization vector does).
    let address = memory.pointer().expose_provenance();
    targets.push(memory);
    address
}

/// A C structure while its fields are placed.
#[derive(Default)]
struct Image {
    bytes: Vec<u8>,
    alignment: usize,
}

impl Image {
    /// A field whose alignment is its own size.
    fn aligned(&mut self, field: &[u8]) {
        self.alignment = self.alignment.max(field.len());
        self.bytes.resize(self.bytes.len().next_multiple_of(field.len()), 0);
        self.bytes.extend_from_slice(field);
    }

    fn finish(mut self) -> Memory {
        self.bytes.resize(self.bytes.len().next_multiple_of(self.alignment.max(1)), 0);
        let memory = Memory::new(&self.bytes);
        self.bytes.zeroize();
        memory
    }
}

#[cfg(test)]
mod tests;
