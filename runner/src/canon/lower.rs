//! Wire bytes to guest memory.

use super::layout::{Cases, fields, flag_count, same_bytes, size};
use protocol::value::{Reader, char_from, flag_mask, str_from};
use wasmtime::component::__internal::{ComponentTypes, InterfaceType, LowerContext};
use wasmtime::component::Lower;
use wasmtime::{Result, ValRaw, bail, format_err};

/// Decodes results that are returned as at most one flat value.
pub(super) fn results_to_flat<T, const N: usize>(
    cx: &mut LowerContext<'_, T>,
    ty: InterfaceType,
    bytes: &[u8],
) -> Result<[ValRaw; N]> {
    let types: &ComponentTypes = cx.types;
    let InterfaceType::Tuple(results) = ty else { bail!("results are not a tuple") };
    let mut reader = Reader::new(bytes);
    let mut slots = [ValRaw::u64(0); N];
    match (&*types[results].types, &mut slots[..]) {
        ([], []) => {}
        ([ty], [slot]) => *slot = flat(cx, types, *ty, &mut reader)?,
        _ => bail!("the result does not have {N} flat values"),
    }
    reader.finish()?;
    Ok(slots)
}

/// Decodes results into memory at `offset`, where wasmtime has checked their size and alignment.
pub(super) fn results_to_memory<T>(
    cx: &mut LowerContext<'_, T>,
    ty: InterfaceType,
    offset: usize,
    bytes: &[u8],
) -> Result<()> {
    let types: &ComponentTypes = cx.types;
    let mut reader = Reader::new(bytes);
    store(cx, types, ty, offset, &mut reader)?;
    Ok(reader.finish()?)
}

/// A type whose flat form is exactly one value.
fn flat<T>(
    cx: &mut LowerContext<'_, T>,
    types: &ComponentTypes,
    ty: InterfaceType,
    reader: &mut Reader<'_>,
) -> Result<ValRaw> {
    Ok(match ty {
        InterfaceType::Bool => ValRaw::u32(u32::from(reader.bool()?)),
        InterfaceType::U8 => ValRaw::u32(u32::from(reader.u8()?)),
        InterfaceType::S8 => ValRaw::i32(i32::from(reader.u8()?.cast_signed())),
        InterfaceType::U16 => ValRaw::u32(u32::from(reader.u16()?)),
        InterfaceType::S16 => ValRaw::i32(i32::from(reader.u16()?.cast_signed())),
        InterfaceType::U32 | InterfaceType::S32 => ValRaw::u32(reader.u32()?),
        InterfaceType::U64 | InterfaceType::S64 => ValRaw::u64(reader.u64()?),
        InterfaceType::Float32 => ValRaw::f32(reader.u32()?),
        InterfaceType::Float64 => ValRaw::f64(reader.u64()?),
        InterfaceType::Char => ValRaw::u32(u32::from(char_from(reader.u32()?)?)),
        InterfaceType::Own(table) => {
            let rep = reader.handle()?;
            ValRaw::u32(cx.guest_resource_lower_own(table, rep)?)
        }
        InterfaceType::Flags(index) => {
            let bytes = flags(flag_count(types, index), reader)?;
            let value = bytes.iter().rev().fold(0, |sum: u32, byte| sum << 8 | u32::from(*byte));
            ValRaw::u32(value)
        }
        InterfaceType::Record(index) => match &*types[index].fields {
            [field] => flat(cx, types, field.ty, reader)?,
            _ => return not_flat(ty),
        },
        InterfaceType::Tuple(index) => match &*types[index].types {
            [member] => flat(cx, types, *member, reader)?,
            _ => return not_flat(ty),
        },
        InterfaceType::FixedLengthList(index) if types[index].size == 1 => {
            flat(cx, types, types[index].element, reader)?
        }
        _ => {
            // One flat value means that no case has a payload.
            let Some(cases) = Cases::of(types, ty) else { return not_flat(ty) };
            let case = u32::try_from(reader.case(cases.count)?)?;
            if cases.payload(types, case)?.is_some() {
                return not_flat(ty);
            }
            ValRaw::u32(case)
        }
    })
}

fn store<T>(
    cx: &mut LowerContext<'_, T>,
    types: &ComponentTypes,
    ty: InterfaceType,
    at: usize,
    reader: &mut Reader<'_>,
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
        | InterfaceType::Float64 => put(cx, at, reader.take(size(types, ty))?),
        InterfaceType::Bool => put(cx, at, &[u8::from(reader.bool()?)]),
        InterfaceType::Char => {
            let char = char_from(reader.u32()?)?;
            put(cx, at, &u32::from(char).to_le_bytes())
        }
        InterfaceType::String => {
            let text = str_from(reader.string_bytes()?)?;
            // wasmtime's own implementation: it knows the guest's string encoding.
            text.linear_lower_to_memory(cx, ty, at)
        }
        InterfaceType::List(index) => list(cx, types, types[index].element, at, reader),
        InterfaceType::Map(_) => map(cx, types, ty, at, reader),
        InterfaceType::FixedLengthList(index) => {
            let list = &types[index];
            elements(cx, types, list.element, list.size as usize, at, reader)
        }
        InterfaceType::Record(index) => {
            let members = types[index].fields.iter().map(|field| field.ty);
            fields(types, members, |ty, offset| store(cx, types, ty, at + offset, reader))
        }
        InterfaceType::Tuple(index) => {
            let members = types[index].types.iter().copied();
            fields(types, members, |ty, offset| store(cx, types, ty, at + offset, reader))
        }
        InterfaceType::Flags(index) => put(cx, at, flags(flag_count(types, index), reader)?),
        InterfaceType::Own(table) => {
            let rep = reader.handle()?;
            let index = cx.guest_resource_lower_own(table, rep)?;
            put(cx, at, &index.to_le_bytes())
        }
        _ => {
            let Some(cases) = Cases::of(types, ty) else {
                bail!("a value of type {ty:?} cannot come from a bundle")
            };
            let case = u32::try_from(reader.case(cases.count)?)?;
            let payload = cases.payload(types, case)?;
            let disc = case.to_le_bytes();
            put(cx, at, disc.get(..cases.disc_bytes).unwrap_or_default())?;
            match payload {
                Some(ty) => store(cx, types, ty, at + cases.payload_at, reader),
                None => Ok(()),
            }
        }
    }
}

/// The bytes of a flags value; a bit of no flag is an error.
fn flags<'a>(count: u32, reader: &mut Reader<'a>) -> Result<&'a [u8]> {
    let bytes = reader.take(protocol::types::flag_bytes(count))?;
    if bytes.iter().zip(0..).any(|(byte, index)| byte & !flag_mask(count, index) != 0) {
        bail!("a bit of no flag is set");
    }
    Ok(bytes)
}

fn list<T>(
    cx: &mut LowerContext<'_, T>,
    types: &ComponentTypes,
    element: InterfaceType,
    at: usize,
    reader: &mut Reader<'_>,
) -> Result<()> {
    // Every element takes at least one byte on the wire, so the count is bounded by what is left.
    let count = reader.count(1)?;
    let abi = types.canonical_abi(&element);
    let block = allocate(cx, count, abi.size32 as usize, abi.align32)?;
    if same_bytes(types, element) {
        put(cx, block, reader.take(count * abi.size32 as usize)?)?;
    } else {
        elements(cx, types, element, count, block, reader)?;
    }
    put_pair(cx, at, block, count)
}

fn elements<T>(
    cx: &mut LowerContext<'_, T>,
    types: &ComponentTypes,
    element: InterfaceType,
    count: usize,
    at: usize,
    reader: &mut Reader<'_>,
) -> Result<()> {
    let stride = size(types, element);
    (0..count).try_for_each(|index| store(cx, types, element, at + index * stride, reader))
}

fn map<T>(
    cx: &mut LowerContext<'_, T>,
    types: &ComponentTypes,
    ty: InterfaceType,
    at: usize,
    reader: &mut Reader<'_>,
) -> Result<()> {
    let InterfaceType::Map(index) = ty else { return not_flat(ty) };
    let map = &types[index];
    let count = reader.count(1)?;
    let stride = map.entry_abi.size32 as usize;
    let block = allocate(cx, count, stride, map.entry_abi.align32)?;
    for entry in 0..count {
        let entry = block + entry * stride;
        store(cx, types, map.key, entry, reader)?;
        store(cx, types, map.value, entry + map.value_offset32 as usize, reader)?;
    }
    put_pair(cx, at, block, count)
}

/// Memory for `count` elements, from the guest's `realloc`; wasmtime checks what it returns.
fn allocate<T>(
    cx: &mut LowerContext<'_, T>,
    count: usize,
    stride: usize,
    align: u32,
) -> Result<usize> {
    let bytes = count.checked_mul(stride).ok_or_else(|| format_err!("a list is too large"))?;
    cx.realloc(0, 0, align, bytes)
}

fn put<T>(cx: &mut LowerContext<'_, T>, at: usize, bytes: &[u8]) -> Result<()> {
    let memory = cx.as_slice_mut().get_mut(at..).and_then(|rest| rest.get_mut(..bytes.len()));
    let memory = memory.ok_or_else(|| format_err!("a result lies outside of memory"))?;
    memory.copy_from_slice(bytes);
    Ok(())
}

fn put_pair<T>(cx: &mut LowerContext<'_, T>, at: usize, block: usize, count: usize) -> Result<()> {
    put(cx, at, &u32::try_from(block)?.to_le_bytes())?;
    put(cx, at + 4, &u32::try_from(count)?.to_le_bytes())
}

fn not_flat<T>(ty: InterfaceType) -> Result<T> {
    bail!("a result of type {ty:?} has not exactly one flat value")
}
