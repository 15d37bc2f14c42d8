//! Guest memory to wire bytes.

use super::layout::{Cases, fields, flag_count, same_bytes, size};
use protocol::value::{char_from, flag_mask, str_from};
use wasmtime::component::__internal::wasmtime_environ::component::StringEncoding;
use wasmtime::component::__internal::{ComponentTypes, InterfaceType, LiftContext};
use wasmtime::component::Lift;
use wasmtime::{Result, ValRaw, bail, error::Context as _, format_err};

/// Room for the arguments of most calls, so that they cost one allocation.
const ROOM_BYTES: usize = 64;

/// Encodes parameters that arrive as flat values.
pub(super) fn params_from_flat(
    cx: &mut LiftContext<'_>,
    ty: InterfaceType,
    slots: &[ValRaw],
) -> Result<Vec<u8>> {
    let types: &ComponentTypes = cx.types;
    let InterfaceType::Tuple(params) = ty else { bail!("parameters are not a tuple") };
    let mut out = Vec::with_capacity(ROOM_BYTES);
    let mut slots = Slots(slots);
    for ty in &types[params].types {
        flat(cx, types, *ty, &mut slots, &mut out)?;
    }
    Ok(out)
}

/// Encodes parameters that lie in memory, where `bytes` starts.
///
/// wasmtime has checked the bounds and the alignment with the real type, but cuts the slice to the
/// size that our `ComponentType` declares, which is 0. Its address still tells the place.
pub(super) fn params_from_memory(
    cx: &mut LiftContext<'_>,
    ty: InterfaceType,
    bytes: &[u8],
) -> Result<Vec<u8>> {
    let types: &ComponentTypes = cx.types;
    let memory = cx.memory();
    let size = size(types, ty);
    let params = bytes
        .as_ptr()
        .addr()
        .checked_sub(memory.as_ptr().addr())
        .and_then(|at| memory.get(at..)?.get(..size))
        .ok_or_else(|| format_err!("parameters lie out of bounds of memory"))?;
    let mut out = Vec::with_capacity(ROOM_BYTES.max(size));
    load(cx, types, ty, params, &mut out)?;
    Ok(out)
}

/// The flat values that are not read yet.
struct Slots<'a>(&'a [ValRaw]);

impl Slots<'_> {
    fn next(&mut self) -> Result<ValRaw> {
        let (first, rest) = self.0.split_first().ok_or_else(|| format_err!("too few values"))?;
        self.0 = rest;
        Ok(*first)
    }

    fn skip_to(&mut self, left: usize) -> Result<()> {
        let skip = self.0.len().checked_sub(left).ok_or_else(|| format_err!("too few values"))?;
        self.0 = self.0.get(skip..).unwrap_or_default();
        Ok(())
    }

    fn pair(&mut self) -> Result<(usize, usize)> {
        Ok((self.next()?.get_u32() as usize, self.next()?.get_u32() as usize))
    }
}

fn flat(
    cx: &mut LiftContext<'_>,
    types: &ComponentTypes,
    ty: InterfaceType,
    slots: &mut Slots<'_>,
    out: &mut Vec<u8>,
) -> Result<()> {
    match ty {
        InterfaceType::Bool => out.push(u8::from(slots.next()?.get_u32() != 0)),
        InterfaceType::U8 | InterfaceType::S8 => low_bytes::<1>(slots.next()?, out),
        InterfaceType::U16 | InterfaceType::S16 => low_bytes::<2>(slots.next()?, out),
        InterfaceType::U32 | InterfaceType::S32 | InterfaceType::Float32 => {
            low_bytes::<4>(slots.next()?, out);
        }
        InterfaceType::U64 | InterfaceType::S64 | InterfaceType::Float64 => {
            out.extend_from_slice(&slots.next()?.get_u64().to_le_bytes());
        }
        InterfaceType::Char => put_char(slots.next()?.get_u32(), out)?,
        InterfaceType::String => {
            let pair = [slots.next()?, slots.next()?];
            match utf8_pair(cx, || Ok((pair[0].get_u32() as usize, pair[1].get_u32() as usize)))? {
                Some((at, length)) => put_str(cx, at, length, out)?,
                None => put_transcoded(&String::linear_lift_from_flat(cx, ty, &pair)?, out)?,
            }
        }
        InterfaceType::List(index) => {
            let (at, count) = slots.pair()?;
            list(cx, types, types[index].element, at, count, out)?;
        }
        InterfaceType::Map(_) => {
            let (at, count) = slots.pair()?;
            map(cx, types, ty, at, count, out)?;
        }
        InterfaceType::FixedLengthList(index) => {
            let list = &types[index];
            (0..list.size).try_for_each(|_| flat(cx, types, list.element, slots, out))?;
        }
        InterfaceType::Record(index) => types[index]
            .fields
            .iter()
            .try_for_each(|field| flat(cx, types, field.ty, slots, out))?,
        InterfaceType::Tuple(index) => {
            types[index].types.iter().try_for_each(|ty| flat(cx, types, *ty, slots, out))?;
        }
        InterfaceType::Flags(index) => flat_flags(flag_count(types, index), slots, out)?,
        InterfaceType::Own(_) | InterfaceType::Borrow(_) => {
            let index = slots.next()?.get_u32();
            put_handle(cx, ty, index, out)?;
        }
        _ => flat_case(cx, types, ty, slots, out)?,
    }
    Ok(())
}

fn flat_flags(flags: u32, slots: &mut Slots<'_>, out: &mut Vec<u8>) -> Result<()> {
    let mut bytes = 0..protocol::types::flag_bytes(flags);
    while !bytes.is_empty() {
        let word = slots.next()?.get_u32().to_le_bytes();
        out.extend(word.iter().zip(&mut bytes).map(|(byte, index)| byte & flag_mask(flags, index)));
    }
    Ok(())
}

fn flat_case(
    cx: &mut LiftContext<'_>,
    types: &ComponentTypes,
    ty: InterfaceType,
    slots: &mut Slots<'_>,
    out: &mut Vec<u8>,
) -> Result<()> {
    let Some(cases) = Cases::of(types, ty) else { return unsupported(ty) };
    let width = types.canonical_abi(&ty).flat_count.map_or(0, usize::from);
    let left = slots.0.len().saturating_sub(width);
    let case = slots.next()?.get_u32();
    let payload = cases.payload(types, case)?;
    put_case(case, cases.disc_bytes, out);
    if let Some(ty) = payload {
        flat(cx, types, ty, slots, out)?;
    }
    // A case that is narrower than the widest one leaves values unused.
    slots.skip_to(left)
}

/// Encodes the value of type `ty` whose canonical representation is `bytes`.
fn load(
    cx: &mut LiftContext<'_>,
    types: &ComponentTypes,
    ty: InterfaceType,
    bytes: &[u8],
    out: &mut Vec<u8>,
) -> Result<()> {
    match ty {
        InterfaceType::U8
        | InterfaceType::S8
        | InterfaceType::U16
        | InterfaceType::S16
        | InterfaceType::U32
        | InterfaceType::S32
        | InterfaceType::Float32
        | InterfaceType::U64
        | InterfaceType::S64
        | InterfaceType::Float64 => out.extend_from_slice(part(bytes, 0, size(types, ty))?),
        InterfaceType::Bool => out.push(u8::from(part(bytes, 0, 1)? != [0])),
        InterfaceType::Char => put_char(u32_at(bytes, 0)?, out)?,
        InterfaceType::String => match utf8_pair(cx, || pair_at(bytes))? {
            Some((at, length)) => put_str(cx, at, length, out)?,
            None => put_transcoded(&String::linear_lift_from_memory(cx, ty, bytes)?, out)?,
        },
        InterfaceType::List(index) => {
            let (at, count) = pair_at(bytes)?;
            list(cx, types, types[index].element, at, count, out)?;
        }
        InterfaceType::Map(_) => {
            let (at, count) = pair_at(bytes)?;
            map(cx, types, ty, at, count, out)?;
        }
        InterfaceType::FixedLengthList(index) => {
            elements(cx, types, types[index].element, bytes, out)?
        }
        InterfaceType::Record(index) => {
            let members = types[index].fields.iter().map(|field| field.ty);
            fields(types, members, |ty, at| {
                load(cx, types, ty, part(bytes, at, size(types, ty))?, out)
            })?;
        }
        InterfaceType::Tuple(index) => {
            fields(types, types[index].types.iter().copied(), |ty, at| {
                load(cx, types, ty, part(bytes, at, size(types, ty))?, out)
            })?;
        }
        InterfaceType::Flags(index) => put_flags(flag_count(types, index), bytes, out)?,
        InterfaceType::Own(_) | InterfaceType::Borrow(_) => {
            put_handle(cx, ty, u32_at(bytes, 0)?, out)?;
        }
        _ => {
            let Some(cases) = Cases::of(types, ty) else { return unsupported(ty) };
            let case = case_at(bytes, cases.disc_bytes)?;
            let payload = cases.payload(types, case)?;
            put_case(case, cases.disc_bytes, out);
            if let Some(ty) = payload {
                load(cx, types, ty, part(bytes, cases.payload_at, size(types, ty))?, out)?;
            }
        }
    }
    Ok(())
}

fn list(
    cx: &mut LiftContext<'_>,
    types: &ComponentTypes,
    element: InterfaceType,
    at: usize,
    count: usize,
    out: &mut Vec<u8>,
) -> Result<()> {
    let abi = types.canonical_abi(&element);
    let bytes = block(cx, at, count, abi.size32 as usize, abi.align32)?;
    put_length(count, out)?;
    if same_bytes(types, element) {
        out.extend_from_slice(bytes);
        return Ok(());
    }
    elements(cx, types, element, bytes, out)
}

fn elements(
    cx: &mut LiftContext<'_>,
    types: &ComponentTypes,
    element: InterfaceType,
    bytes: &[u8],
    out: &mut Vec<u8>,
) -> Result<()> {
    let stride = size(types, element).max(1);
    bytes.chunks_exact(stride).try_for_each(|bytes| load(cx, types, element, bytes, out))
}

fn map(
    cx: &mut LiftContext<'_>,
    types: &ComponentTypes,
    ty: InterfaceType,
    at: usize,
    count: usize,
    out: &mut Vec<u8>,
) -> Result<()> {
    let InterfaceType::Map(index) = ty else { return unsupported(ty) };
    let map = &types[index];
    let stride = map.entry_abi.size32 as usize;
    let bytes = block(cx, at, count, stride, map.entry_abi.align32)?;
    put_length(count, out)?;
    bytes.chunks_exact(stride.max(1)).try_for_each(|entry| {
        load(cx, types, map.key, part(entry, 0, size(types, map.key))?, out)?;
        let value = part(entry, map.value_offset32 as usize, size(types, map.value))?;
        load(cx, types, map.value, value, out)
    })
}

/// The guest's bytes of a list: in bounds, aligned, and paid for.
fn block<'a>(
    cx: &mut LiftContext<'a>,
    at: usize,
    count: usize,
    stride: usize,
    align: u32,
) -> Result<&'a [u8]> {
    if !at.is_multiple_of(align as usize) {
        bail!("list pointer is not aligned");
    }
    let memory: &'a [u8] = cx.memory();
    let bytes = count
        .checked_mul(stride)
        .and_then(|length| memory.get(at..)?.get(..length))
        .ok_or_else(|| format_err!("list pointer/length out of bounds of memory"))?;
    cx.consume_fuel(bytes.len())?;
    Ok(bytes)
}

/// The pointer and length of a string, if the guest encodes strings as UTF-8.
fn utf8_pair(
    cx: &LiftContext<'_>,
    pair: impl FnOnce() -> Result<(usize, usize)>,
) -> Result<Option<(usize, usize)>> {
    match cx.options().string_encoding {
        StringEncoding::Utf8 => pair().map(Some),
        // wasmtime's own implementation transcodes, and charges for it.
        _ => Ok(None),
    }
}

fn put_str(cx: &mut LiftContext<'_>, at: usize, length: usize, out: &mut Vec<u8>) -> Result<()> {
    let bytes = cx.memory().get(at..).and_then(|rest| rest.get(..length));
    let bytes =
        bytes.ok_or_else(|| format_err!("string pointer/length out of bounds of memory"))?;
    cx.consume_fuel(length)?;
    str_from(bytes).context("a string argument")?;
    put_length(length, out)?;
    out.extend_from_slice(bytes);
    Ok(())
}

fn put_transcoded(text: &str, out: &mut Vec<u8>) -> Result<()> {
    put_length(text.len(), out)?;
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

fn put_length(length: usize, out: &mut Vec<u8>) -> Result<()> {
    out.extend_from_slice(&u32::try_from(length)?.to_le_bytes());
    Ok(())
}

fn put_char(code: u32, out: &mut Vec<u8>) -> Result<()> {
    let char = char_from(code).context("a char argument")?;
    out.extend_from_slice(&u32::from(char).to_le_bytes());
    Ok(())
}

fn put_case(case: u32, disc_bytes: usize, out: &mut Vec<u8>) {
    out.extend(case.to_le_bytes().into_iter().take(disc_bytes));
}

/// Bits beyond the last flag have no meaning in guest memory and are dropped.
fn put_flags(flags: u32, bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let bytes = part(bytes, 0, protocol::types::flag_bytes(flags))?;
    out.extend(bytes.iter().zip(0..).map(|(byte, index)| byte & flag_mask(flags, index)));
    Ok(())
}

/// Takes the handle out of the guest's table and puts down the number that stands behind it.
fn put_handle(
    cx: &mut LiftContext<'_>,
    ty: InterfaceType,
    index: u32,
    out: &mut Vec<u8>,
) -> Result<()> {
    let rep = match ty {
        InterfaceType::Own(table) => cx.guest_resource_lift_own(table, index)?.0,
        InterfaceType::Borrow(table) => cx.guest_resource_lift_borrow(table, index)?,
        _ => return unsupported(ty),
    };
    out.extend_from_slice(&rep.to_le_bytes());
    Ok(())
}

fn low_bytes<const K: usize>(slot: ValRaw, out: &mut Vec<u8>) {
    out.extend(slot.get_u32().to_le_bytes().into_iter().take(K));
}

fn part(bytes: &[u8], at: usize, length: usize) -> Result<&[u8]> {
    let found = bytes.get(at..).and_then(|rest| rest.get(..length));
    found.ok_or_else(|| format_err!("a value lies outside of its parent"))
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32> {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk());
    found.map(|chunk| u32::from_le_bytes(*chunk)).ok_or_else(|| format_err!("a value is cut off"))
}

fn pair_at(bytes: &[u8]) -> Result<(usize, usize)> {
    Ok((u32_at(bytes, 0)? as usize, u32_at(bytes, 4)? as usize))
}

fn case_at(bytes: &[u8], disc_bytes: usize) -> Result<u32> {
    let bytes = part(bytes, 0, disc_bytes)?;
    Ok(bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
}

fn unsupported<T>(ty: InterfaceType) -> Result<T> {
    bail!("a value of type {ty:?} cannot be passed to a bundle")
}
