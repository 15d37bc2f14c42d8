//! A second opinion on types and values, written from `PROTOCOL.md` alone: slow, simple, and
//! without anything of the crate that it is compared with but the names of types.

use crate::input::Input;
use protocol::types::{Type, TypeDef};
use protocol::value::HandleUse;

/// A handle, and where its four bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handle {
    /// Offset in the values.
    pub at: usize,
    /// Given away or lent.
    pub usage: HandleUse,
    /// Index of the resource.
    pub resource: u32,
    /// The number.
    pub handle: u32,
}

/// Values that were read and written again.
#[derive(Debug, Default)]
pub struct Decoded {
    /// What the values that were read spell.
    pub again: Vec<u8>,
    /// The handles, in order.
    pub handles: Vec<Handle>,
    /// Where each of the values ends.
    pub ends: Vec<usize>,
}

/// Whether a shim may use these definitions.
pub fn is_usable(defs: &[TypeDef], resources: usize) -> bool {
    let mut known: Vec<(u32, u128)> = Vec::new();
    if defs.len() > 16 << 10 || resources > 4 << 10 {
        return false;
    }
    for def in defs {
        match facts(def, &known, resources) {
            Some(facts) if facts.0 <= 64 => known.push(facts),
            _ => return false,
        }
    }
    true
}

/// Depth, and fewest bytes of a value; `None` if the definition is not allowed.
fn facts(def: &TypeDef, known: &[(u32, u128)], resources: usize) -> Option<(u32, u128)> {
    let of = |ty: &Type| match ty {
        Type::Defined(index) => known.get(*index as usize).copied(),
        Type::Bool | Type::S8 | Type::U8 => Some((1, 1)),
        Type::S16 | Type::U16 => Some((1, 2)),
        Type::S32 | Type::U32 | Type::F32 | Type::Char | Type::String => Some((1, 4)),
        Type::S64 | Type::U64 | Type::F64 => Some((1, 8)),
    };
    let all = |types: Vec<&Type>| types.into_iter().map(of).collect::<Option<Vec<_>>>();
    let deepest = |parts: &[(u32, u128)]| parts.iter().map(|part| part.0).max().unwrap_or(0);
    let some_members = |count: usize| (1..=64 << 10).contains(&count).then_some(());
    let (parts, size, levels) = match def {
        TypeDef::List(element) => (all(vec![element])?, 4, 1),
        TypeDef::Map(key, value) => (all(vec![key, value])?, 4, 2),
        TypeDef::FixedList(element, count) => {
            (1..=1 << 24).contains(count).then_some(())?;
            (vec![of(element)?], of(element)?.1 * u128::from(*count), 1)
        }
        TypeDef::Record(fields) => {
            some_members(fields.len())?;
            let parts = all(fields.iter().collect())?;
            let size = parts.iter().map(|part| part.1).sum();
            (parts, size, 1)
        }
        TypeDef::Variant(cases) => {
            some_members(cases.len())?;
            (all(cases.iter().flatten().collect())?, width(cases.len()) as u128, 1)
        }
        TypeDef::Option(payload) => (all(vec![payload])?, 1, 1),
        TypeDef::Result(ok, err) => (all(ok.iter().chain(err).collect())?, 1, 1),
        TypeDef::Enum(count) => {
            some_members(*count as usize)?;
            (vec![], width(*count as usize) as u128, 1)
        }
        TypeDef::Flags(count) => {
            some_members(*count as usize)?;
            (vec![], flag_width(*count) as u128, 1)
        }
        TypeDef::Own(resource) | TypeDef::Borrow(resource) => {
            ((*resource as usize) < resources).then_some(())?;
            (vec![], 4, 1)
        }
    };
    // No value of it could be addressed.
    (size <= usize::MAX as u128).then_some(())?;
    Some((levels + deepest(&parts), size))
}

/// Bytes of the number of one of `cases` cases.
fn width(cases: usize) -> usize {
    match cases {
        0..=256 => 1,
        257..=65536 => 2,
        _ => 4,
    }
}

/// Bytes of flags.
fn flag_width(flags: u32) -> usize {
    match flags {
        0..=8 => 1,
        9..=16 => 2,
        _ => flags.div_ceil(32) as usize * 4,
    }
}

/// Reads values of `types`; `None` if `bytes` are not exactly that.
pub fn decode(defs: &[TypeDef], types: &[Type], bytes: &[u8]) -> Option<Decoded> {
    let mut walk = Walk { defs, left: bytes, found: Decoded::default() };
    for ty in types {
        walk.value(*ty)?;
        walk.found.ends.push(bytes.len() - walk.left.len());
    }
    walk.left.is_empty().then_some(walk.found)
}

struct Walk<'a> {
    defs: &'a [TypeDef],
    left: &'a [u8],
    found: Decoded,
}

impl Walk<'_> {
    /// A number of `width` bytes, read and written.
    fn number(&mut self, width: usize) -> Option<u64> {
        let (bytes, rest) = self.left.split_at_checked(width)?;
        self.left = rest;
        let number = bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
        self.found.again.extend_from_slice(&number.to_le_bytes()[..width]);
        Some(number)
    }

    fn value(&mut self, ty: Type) -> Option<()> {
        match ty {
            Type::Bool => (self.number(1)? <= 1).then_some(()),
            Type::S8 | Type::U8 => self.number(1).map(drop),
            Type::S16 | Type::U16 => self.number(2).map(drop),
            Type::S32 | Type::U32 | Type::F32 => self.number(4).map(drop),
            Type::S64 | Type::U64 | Type::F64 => self.number(8).map(drop),
            Type::Char => match self.number(4)? {
                0xd800..=0xdfff | 0x11_0000.. => None,
                _ => Some(()),
            },
            Type::String => {
                let length = usize::try_from(self.number(4)?).ok()?;
                let (bytes, rest) = self.left.split_at_checked(length)?;
                self.left = rest;
                let text = String::from_utf8(bytes.to_vec()).ok()?;
                self.found.again.extend(text.chars().collect::<String>().as_bytes());
                Some(())
            }
            Type::Defined(index) => self.defined(&self.defs[index as usize]),
        }
    }

    fn defined(&mut self, def: &TypeDef) -> Option<()> {
        match def {
            TypeDef::List(element) => {
                let count = self.number(4)?;
                (0..count).try_for_each(|_| self.value(*element))
            }
            TypeDef::FixedList(element, count) => {
                (0..*count).try_for_each(|_| self.value(*element))
            }
            TypeDef::Map(key, value) => {
                let count = self.number(4)?;
                (0..count).try_for_each(|_| self.value(*key).and_then(|()| self.value(*value)))
            }
            TypeDef::Record(fields) => fields.iter().try_for_each(|field| self.value(*field)),
            TypeDef::Variant(cases) => self.case(cases),
            TypeDef::Enum(count) => {
                (self.number(width(*count as usize))? < u64::from(*count)).then_some(())
            }
            TypeDef::Option(payload) => self.case(&[None, Some(*payload)]),
            TypeDef::Result(ok, err) => self.case(&[*ok, *err]),
            TypeDef::Flags(flags) => {
                for byte in 0..flag_width(*flags) as u32 {
                    // The unused flags of each byte are those from `flags` on.
                    let used = flags.saturating_sub(8 * byte).min(8);
                    if self.number(1)? >> used != 0 {
                        return None;
                    }
                }
                Some(())
            }
            TypeDef::Own(resource) => self.handle(HandleUse::Own, *resource),
            TypeDef::Borrow(resource) => self.handle(HandleUse::Borrow, *resource),
        }
    }

    fn case(&mut self, cases: &[Option<Type>]) -> Option<()> {
        let case = usize::try_from(self.number(width(cases.len()))?).ok()?;
        match cases.get(case)? {
            Some(ty) => self.value(*ty),
            None => Some(()),
        }
    }

    fn handle(&mut self, usage: HandleUse, resource: u32) -> Option<()> {
        let at = self.found.again.len();
        let handle = u32::try_from(self.number(4)?).ok().filter(|handle| *handle != 0)?;
        self.found.handles.push(Handle { at, usage, resource, handle });
        Some(())
    }
}

/// Largest values that [`choose`] makes, in bytes.
const CHOSEN_MAX: usize = 4 << 10;

/// Valid values of `types`, chosen by `input`; `None` if they would become too large.
pub fn choose(defs: &[TypeDef], types: &[Type], input: &mut Input<'_>) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    types.iter().try_for_each(|ty| chosen(defs, *ty, input, &mut out))?;
    Some(out)
}

fn chosen(defs: &[TypeDef], ty: Type, input: &mut Input<'_>, out: &mut Vec<u8>) -> Option<()> {
    let mut plain = |width: usize| {
        let taken = input.take(width);
        out.extend_from_slice(taken);
        out.extend(std::iter::repeat_n(0, width - taken.len()));
    };
    match ty {
        Type::S8 | Type::U8 => plain(1),
        Type::S16 | Type::U16 => plain(2),
        Type::S32 | Type::U32 | Type::F32 => plain(4),
        Type::S64 | Type::U64 | Type::F64 => plain(8),
        Type::Bool => out.push(input.byte() % 2),
        Type::Char => {
            let number = [input.byte(), input.byte(), input.byte() % 17, 0];
            let c = char::from_u32(u32::from_le_bytes(number)).unwrap_or('\u{fffd}');
            out.extend(u32::from(c).to_le_bytes());
        }
        Type::String => {
            let length = usize::from(input.byte() % 16);
            let text = String::from_utf8_lossy(input.take(length));
            out.extend((text.len() as u32).to_le_bytes());
            out.extend_from_slice(text.as_bytes());
        }
        Type::Defined(index) => chosen_of(defs, &defs[index as usize], input, out)?,
    }
    (out.len() <= CHOSEN_MAX).then_some(())
}

fn chosen_of(
    defs: &[TypeDef],
    def: &TypeDef,
    input: &mut Input<'_>,
    out: &mut Vec<u8>,
) -> Option<()> {
    let case = |cases: &[Option<Type>], input: &mut Input<'_>, out: &mut Vec<u8>| {
        let number = u16::from_le_bytes([input.byte(), input.byte()]);
        // The last one more often than chance would have it: it is the one with a payload.
        let number = if number < 0x8000 { number as usize } else { cases.len() - 1 } % cases.len();
        out.extend_from_slice(&(number as u32).to_le_bytes()[..width(cases.len())]);
        cases[number].map_or(Some(()), |ty| chosen(defs, ty, input, out))
    };
    match def {
        TypeDef::List(element) => {
            let count = input.byte() % 5;
            out.extend(u32::from(count).to_le_bytes());
            (0..count).try_for_each(|_| chosen(defs, *element, input, out))
        }
        TypeDef::FixedList(element, count) => {
            (0..*count).try_for_each(|_| chosen(defs, *element, input, out))
        }
        TypeDef::Map(key, value) => {
            let count = input.byte() % 4;
            out.extend(u32::from(count).to_le_bytes());
            (0..count).try_for_each(|_| {
                chosen(defs, *key, input, out)?;
                chosen(defs, *value, input, out)
            })
        }
        TypeDef::Record(fields) => {
            fields.iter().try_for_each(|field| chosen(defs, *field, input, out))
        }
        TypeDef::Variant(cases) => case(cases, input, out),
        TypeDef::Enum(count) => case(&vec![None; *count as usize], input, out),
        TypeDef::Option(payload) => case(&[None, Some(*payload)], input, out),
        TypeDef::Result(ok, err) => case(&[*ok, *err], input, out),
        TypeDef::Flags(flags) => {
            for byte in 0..flag_width(*flags) as u32 {
                let used = flags.saturating_sub(8 * byte).min(8);
                out.push((u32::from(input.byte()) & ((1 << used) - 1)) as u8);
            }
            Some(())
        }
        TypeDef::Own(_) | TypeDef::Borrow(_) => {
            out.extend([input.byte().max(1), input.byte(), input.byte(), input.byte()]);
            Some(())
        }
    }
}
