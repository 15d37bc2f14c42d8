//! What a shared library says of itself, read without loading it.
//!
//! A lie here costs nothing: the shim resolves symbols again when it loads the library. The point
//! is to tell the operator of a wrong file before any process is started.

use super::dynamic::Dynamic;
use super::target;
use object::elf::{self, FileHeader64, SectionHeader64, Sym64};
use object::{LittleEndian as LE, Pod};
use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Most symbols that a library may define. Large C++ libraries have about 100,000.
pub const SYMBOLS_MAX: u64 = 1 << 19;

/// Largest table of symbol names, in bytes.
pub const NAMES_BYTES_MAX: u64 = 128 << 20;

/// Most sections of a file; a linker writes about 40.
const SECTIONS_MAX: u16 = 4096;

/// The functions that a library defines, and the libraries that it needs.
#[derive(Debug, Clone, Default)]
pub struct Library {
    functions: HashSet<String>,
    dynamic: Dynamic,
}

/// Why a file is not the shared library that is needed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LibraryFault {
    /// Reading failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Some other kind of file.
    #[error("it is {0}, not a shared library")]
    NotElf(&'static str),
    /// For another machine, or one with other pointers.
    #[error("it is for {found}, but this wrun runs on {wanted}")]
    Machine {
        /// What it is for.
        found: String,
        /// What is needed.
        wanted: String,
    },
    /// An ELF file of another kind.
    #[error("it is {0}, not a shared library")]
    Kind(&'static str),
    /// The file's tables contradict each other or its length.
    #[error("the file is damaged: {0}")]
    Damaged(&'static str),
    /// Larger tables than any real library has.
    #[error("it has more {0} than a library may have")]
    TooLarge(&'static str),
}

impl Library {
    /// Reads the tables of an ELF file.
    ///
    /// # Errors
    /// [`LibraryFault`].
    pub fn inspect(file: &File) -> Result<Self, LibraryFault> {
        let header = header(file)?;
        let sections = sections(file, &header)?;
        let dynamic = Dynamic::of(file, &sections)?;
        if dynamic.is_program {
            return Err(LibraryFault::Kind("an executable"));
        }
        Ok(Self { functions: functions(file, &sections)?, dynamic })
    }

    /// What it says about other libraries.
    pub(super) fn dynamic(&self) -> &Dynamic {
        &self.dynamic
    }

    /// Whether the library itself defines a function of that name.
    pub fn defines(&self, symbol: &str) -> bool {
        self.functions.contains(symbol)
    }

    /// Names of all functions that it defines, in no order.
    pub fn functions(&self) -> impl Iterator<Item = &str> {
        self.functions.iter().map(String::as_str)
    }
}

pub(super) fn header(file: &File) -> Result<FileHeader64<LE>, LibraryFault> {
    let mut start = [0; 20];
    let length = read_start(file, &mut start)?;
    let is_elf = length == start.len() && start.starts_with(&elf::ELFMAG);
    if !is_elf {
        return Err(LibraryFault::NotElf(describe(start.get(..length).unwrap_or_default())));
    }
    // These fields lie at the same place in files of either pointer width.
    let [_, _, _, _, class, data, .., machine_0, machine_1] = start;
    let machine = u16::from_le_bytes([machine_0, machine_1]);
    let wanted = (elf::ELFCLASS64, elf::ELFDATA2LSB, target::MACHINE);
    if (class, data, machine) != wanted {
        let found = match (class, data) {
            (_, data) if data != elf::ELFDATA2LSB => "a big-endian machine".to_owned(),
            (elf::ELFCLASS64, _) => target::machine_name(machine),
            _ if machine == elf::EM_386 => target::machine_name(machine),
            _ => format!("{} with 32-bit pointers", target::machine_name(machine)),
        };
        let wanted = target::machine_name(target::MACHINE);
        return Err(LibraryFault::Machine { found, wanted });
    }
    let header: FileHeader64<LE> = one(file, 0)?;
    match header.e_type.get(LE) {
        elf::ET_DYN => Ok(header),
        elf::ET_EXEC => Err(LibraryFault::Kind("an executable")),
        elf::ET_REL => Err(LibraryFault::Kind("an object file")),
        elf::ET_CORE => Err(LibraryFault::Kind("a core dump")),
        _ => Err(LibraryFault::Kind("an ELF file of an unknown kind")),
    }
}

fn read_start(file: &File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, u64::try_from(length).unwrap_or(u64::MAX)) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

/// What a file is that does not start like an ELF file.
fn describe(start: &[u8]) -> &'static str {
    match start {
        [] => "an empty file",
        [b'!', b'<', b'a', b'r', b'c', b'h', b'>', ..] => "a static library (.a)",
        [0, b'a', b's', b'm', ..] => "WebAssembly",
        [b'M', b'Z', ..] => "a Windows library (.dll)",
        [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] | [0xca, 0xfe, 0xba, 0xbe, ..] => "a macOS library",
        [0x7f, b'E', b'L', b'F', ..] => "only the start of an ELF file",
        text if text.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) => {
            "text (perhaps a linker script)"
        }
        _ => "something else than an ELF file",
    }
}

pub(super) fn sections(
    file: &File,
    header: &FileHeader64<LE>,
) -> Result<Vec<SectionHeader64<LE>>, LibraryFault> {
    let count = header.e_shnum.get(LE);
    if count > SECTIONS_MAX {
        return Err(LibraryFault::TooLarge("sections"));
    }
    if count == 0 || usize::from(header.e_shentsize.get(LE)) != size_of::<SectionHeader64<LE>>() {
        return Err(LibraryFault::Damaged("it has no table of sections"));
    }
    many(file, header.e_shoff.get(LE), u64::from(count))
}

fn functions(
    file: &File,
    sections: &[SectionHeader64<LE>],
) -> Result<HashSet<String>, LibraryFault> {
    let symbols = sections.iter().find(|section| section.sh_type.get(LE) == elf::SHT_DYNSYM);
    let Some(section) = symbols else {
        return Err(LibraryFault::Damaged("it has no table of dynamic symbols"));
    };
    let names = usize::try_from(section.sh_link.get(LE)).ok().and_then(|link| sections.get(link));
    let Some(names) = names else {
        return Err(LibraryFault::Damaged("its symbols have no names"));
    };
    let names: Vec<u8> = table(file, names, NAMES_BYTES_MAX, "bytes of symbol names")?;
    let symbols: Vec<Sym64<LE>> = table(file, section, SYMBOLS_MAX, "symbols")?;
    Ok(symbols
        .iter()
        .filter(|symbol| is_function(symbol))
        .filter_map(|s| name(&names, s))
        .collect())
}

/// Whether `dlsym` would find the symbol in this very library, and it may be called.
fn is_function(symbol: &Sym64<LE>) -> bool {
    let is_visible = !matches!(symbol.st_visibility(), elf::STV_HIDDEN | elf::STV_INTERNAL);
    is_defined_code(symbol) && is_visible && symbol.st_bind() != elf::STB_LOCAL
}

/// Whether the symbol is code of this very file.
pub(super) fn is_defined_code(symbol: &Sym64<LE>) -> bool {
    let is_code = matches!(symbol.st_type(), elf::STT_FUNC | elf::STT_GNU_IFUNC | elf::STT_NOTYPE);
    is_code && symbol.st_shndx.get(LE) != elf::SHN_UNDEF
}

pub(super) fn name(names: &[u8], symbol: &Sym64<LE>) -> Option<String> {
    let rest = names.get(usize::try_from(symbol.st_name.get(LE)).ok()?..)?;
    let name = rest.get(..rest.iter().position(|byte| *byte == 0)?)?;
    // A name that is not UTF-8 is none that this program asks for.
    std::str::from_utf8(name).ok().filter(|name| !name.is_empty()).map(str::to_owned)
}

/// The entries of a section, at most `max`.
pub(super) fn table<T: Pod>(
    file: &File,
    section: &SectionHeader64<LE>,
    max: u64,
    what: &'static str,
) -> Result<Vec<T>, LibraryFault> {
    if section.sh_type.get(LE) == elf::SHT_NOBITS {
        return Err(LibraryFault::Damaged("a table is not in the file"));
    }
    let size = u64::try_from(size_of::<T>()).unwrap_or(u64::MAX).max(1);
    let count = section.sh_size.get(LE) / size;
    if count > max {
        return Err(LibraryFault::TooLarge(what));
    }
    many(file, section.sh_offset.get(LE), count)
}

fn one<T: Pod>(file: &File, offset: u64) -> Result<T, LibraryFault> {
    many(file, offset, 1)?.pop().ok_or(LibraryFault::Damaged("the file is too short"))
}

/// `count` entries at `offset`, if the file is that long.
fn many<T: Pod>(file: &File, offset: u64, count: u64) -> Result<Vec<T>, LibraryFault> {
    let short = || LibraryFault::Damaged("a table lies behind the end of the file");
    let size = u64::try_from(size_of::<T>()).map_err(|_| short())?;
    let bytes = count.checked_mul(size).ok_or_else(short)?;
    let end = offset.checked_add(bytes).ok_or_else(short)?;
    // Asked first, so that no memory is reserved for what is not there.
    if end > file.metadata()?.len() {
        return Err(short());
    }
    let count = usize::try_from(count).map_err(|_| short())?;
    let bytes = usize::try_from(bytes).map_err(|_| short())?;
    // Words, so that the entries are aligned as their type needs it.
    let mut words = vec![0_u64; bytes.div_ceil(size_of::<u64>())];
    let buffer = object::pod::bytes_of_slice_mut(&mut words);
    file.read_exact_at(buffer.get_mut(..bytes).ok_or_else(short)?, offset)?;
    let entries = object::pod::slice_from_bytes(object::pod::bytes_of_slice(&words), count);
    entries.map(|(entries, _)| entries.to_vec()).map_err(|()| short())
}
