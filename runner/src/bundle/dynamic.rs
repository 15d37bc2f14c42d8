//! The dynamic section of a shared library: which others it needs, and where it looks for them.
//!
//! It is read from the table of sections, where linkers write it. A file that tells the dynamic
//! linker otherwise gets fewer libraries than it needs, and is not loaded.

use super::library::{LibraryFault, header, sections, table};
use object::LittleEndian as LE;
use object::elf::{self, Dyn64, SectionHeader64};
use std::fs::File;
use std::os::unix::fs::FileExt as _;

/// Most entries of the dynamic section; a linker writes about 30.
const DYNAMIC_MAX: u64 = 4096;

/// Most libraries that one needs directly; large programs need about 50.
const NEEDED_MAX: usize = 256;

/// Longest name or search path, in bytes.
const TEXT_BYTES_MAX: usize = 4096;

/// What the dynamic section says, as far as other libraries are concerned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Dynamic {
    /// Names of the libraries that it needs, in order.
    pub(crate) needed: Vec<String>,
    /// The name by which others need it.
    pub(crate) soname: Option<String>,
    /// Where the libraries that it needs are looked for.
    pub(crate) runpath: Option<String>,
    /// The same in its old form, which also counts for the libraries that it loads.
    pub(crate) rpath: Option<String>,
    /// Whether the file is a program.
    pub(super) is_program: bool,
}

impl Dynamic {
    /// Reads the dynamic section of a shared library.
    ///
    /// # Errors
    /// [`LibraryFault`].
    pub(crate) fn read(file: &File) -> Result<Self, LibraryFault> {
        let dynamic = Self::of(file, &sections(file, &header(file)?)?)?;
        if dynamic.is_program { Err(LibraryFault::Kind("an executable")) } else { Ok(dynamic) }
    }

    pub(super) fn of(file: &File, sections: &[SectionHeader64<LE>]) -> Result<Self, LibraryFault> {
        let section = sections.iter().find(|section| section.sh_type.get(LE) == elf::SHT_DYNAMIC);
        let Some(section) = section else {
            return Err(LibraryFault::Kind("a statically linked file"));
        };
        let link = usize::try_from(section.sh_link.get(LE)).ok();
        let texts = link.and_then(|link| sections.get(link));
        let text = |at: u64| {
            let texts = texts.ok_or(LibraryFault::Damaged("its dynamic section has no names"))?;
            text(file, texts, at)
        };
        let entries: Vec<Dyn64<LE>> = table(file, section, DYNAMIC_MAX, "dynamic entries")?;
        let mut found = Self::default();
        for entry in entries {
            let value = entry.d_val.get(LE);
            match entry.d_tag.get(LE) {
                elf::DT_NULL => break,
                elf::DT_NEEDED if found.needed.len() == NEEDED_MAX => {
                    return Err(LibraryFault::TooLarge("needed libraries"));
                }
                elf::DT_NEEDED => found.needed.push(text(value)?),
                elf::DT_SONAME => found.soname = Some(text(value)?),
                elf::DT_RUNPATH => found.runpath = Some(text(value)?),
                elf::DT_RPATH => found.rpath = Some(text(value)?),
                elf::DT_FLAGS_1 => found.is_program = value & u64::from(elf::DF_1_PIE) != 0,
                _ => {}
            }
        }
        Ok(found)
    }
}

/// The text at `at` of a section of texts.
fn text(file: &File, texts: &SectionHeader64<LE>, at: u64) -> Result<String, LibraryFault> {
    let outside = LibraryFault::Damaged("a name lies outside of its table");
    let Some(left) = texts.sh_size.get(LE).checked_sub(at).filter(|left| *left > 0) else {
        return Err(outside);
    };
    let Some(offset) = texts.sh_offset.get(LE).checked_add(at) else { return Err(outside) };
    let mut buffer = vec![0; usize::try_from(left).unwrap_or(usize::MAX).min(TEXT_BYTES_MAX)];
    let mut length = 0;
    while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        let Some(position) = u64::try_from(length).ok().and_then(|more| offset.checked_add(more))
        else {
            return Err(outside);
        };
        match file.read_at(rest, position)? {
            0 => break,
            more => length += more,
        }
    }
    let bytes = buffer.get(..length).unwrap_or_default();
    let end = bytes.iter().position(|byte| *byte == 0).ok_or(outside)?;
    let name = std::str::from_utf8(bytes.get(..end).unwrap_or_default());
    name.map(str::to_owned).map_err(|_| LibraryFault::Damaged("a name is not UTF-8"))
}
