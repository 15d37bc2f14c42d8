//! Which function of a library an address lies in, by the library's own table of symbols.
//!
//! Read when a crash is told, not before: nothing depends on it. The table is the bundle's claim.

use super::library::{
    LibraryFault, NAMES_BYTES_MAX, SYMBOLS_MAX, header, is_defined_code, name, sections, table,
};
use object::LittleEndian as LE;
use object::elf::{self, SectionHeader64, Sym64};
use std::fs::File;

/// The functions of a library, by their addresses.
#[derive(Debug, Clone, Default)]
pub(crate) struct Functions {
    by_address: Vec<Function>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Function {
    start: u64,
    /// Of several at one address the last one is taken: one that others can see.
    is_global: bool,
    /// 0 if the table does not say.
    size: u64,
    name: String,
}

impl Functions {
    /// Reads the full table of an ELF file, or, if it was stripped, that of the functions which others
    /// can see.
    ///
    /// # Errors
    /// [`LibraryFault`].
    pub(crate) fn read(file: &File) -> Result<Self, LibraryFault> {
        let sections = sections(file, &header(file)?)?;
        let of_kind = |kind| sections.iter().find(|section| section.sh_type.get(LE) == kind);
        let tables = [of_kind(elf::SHT_SYMTAB), of_kind(elf::SHT_DYNSYM)];
        let mut last = LibraryFault::Damaged("it has no table of symbols");
        for section in tables.into_iter().flatten() {
            match functions(file, &sections, section) {
                Ok(by_address) => return Ok(Self { by_address }),
                Err(fault) => last = fault,
            }
        }
        Err(last)
    }

    /// The name, as the table has it, of the function in which `offset` lies.
    pub(crate) fn at(&self, offset: u64) -> Option<&str> {
        let behind = self.by_address.partition_point(|function| function.start <= offset);
        let function = self.by_address.get(behind.checked_sub(1)?)?;
        let is_inside = function.size == 0 || offset - function.start < function.size;
        is_inside.then_some(function.name.as_str())
    }
}

fn functions(
    file: &File,
    sections: &[SectionHeader64<LE>],
    section: &SectionHeader64<LE>,
) -> Result<Vec<Function>, LibraryFault> {
    let names = usize::try_from(section.sh_link.get(LE)).ok().and_then(|link| sections.get(link));
    let names = names.ok_or(LibraryFault::Damaged("its symbols have no names"))?;
    let names: Vec<u8> = table(file, names, NAMES_BYTES_MAX, "bytes of symbol names")?;
    let symbols: Vec<Sym64<LE>> = table(file, section, SYMBOLS_MAX, "symbols")?;
    let function = |symbol: &Sym64<LE>| {
        Some(Function {
            start: symbol.st_value.get(LE),
            is_global: symbol.st_bind() != elf::STB_LOCAL,
            size: symbol.st_size.get(LE),
            name: name(&names, symbol)?,
        })
    };
    let mut found: Vec<_> =
        symbols.iter().filter(|symbol| is_defined_code(symbol)).filter_map(function).collect();
    found.sort_unstable();
    Ok(found)
}

#[cfg(test)]
#[allow(clippy::panic, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    fn functions(list: &[(u64, u64, bool, &str)]) -> Functions {
        let function = |&(start, size, is_global, name): &(u64, u64, bool, &str)| Function {
            start,
            is_global,
            size,
            name: name.to_owned(),
        };
        let mut by_address: Vec<_> = list.iter().map(function).collect();
        by_address.sort_unstable();
        Functions { by_address }
    }

    #[test]
    fn an_address_lies_in_the_function_that_holds_it() {
        let found = functions(&[
            (0x100, 0x10, true, "first"),
            (0x100, 0x10, false, "its.alias"),
            (0x200, 0, true, "without_size"),
        ]);
        let at = |offset| found.at(offset);
        assert_eq!(at(0x100), Some("first"));
        assert_eq!(at(0x10f), Some("first"));
        assert_eq!(at(0x110), None);
        assert_eq!(at(0xff), None);
        assert_eq!(at(0x210), Some("without_size"));
        assert_eq!(at(u64::MAX), Some("without_size"));
    }

    #[test]
    fn the_functions_of_a_real_library_are_found_again() {
        // This test itself is an ELF file of the right machine, and linked as a library would be.
        let program = File::open("/proc/self/exe").unwrap_or_else(|error| panic!("{error}"));
        let found = Functions::read(&program).unwrap_or_else(|error| panic!("{error}"));
        let own = found.by_address.iter().find(|it| it.name.contains("found_again"));
        let own = own.unwrap_or_else(|| panic!("the test is not in its own table"));
        assert_eq!(found.at(own.start + own.size / 2), Some(own.name.as_str()));
    }
}
